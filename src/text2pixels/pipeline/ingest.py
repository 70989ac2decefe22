"""Stage `ingest`: raw files to checked 8-bit pairs, a manifest and a quarantine.

Reads what ``datasets.<dataset>.path`` names and writes ``data/interim/<dataset>``:
``infrared/NAME.png`` (gray), ``visible/NAME.png`` (RGB), ``manifest.parquet``, ``quarantine.parquet`` and
``prints.parquet`` (perceptual hashes, see datasets/leaks.py). The folder is made aside and renamed; an
interrupted run goes on where it stopped, because the folder aside bears a fingerprint of everything the
result depends on. The same input gives the same bytes, however many workers there are.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from difflib import get_close_matches
from functools import partial
from itertools import chain, islice
from pathlib import Path

from text2pixels import config, executors, layout, params_file
from text2pixels.closure import closure, digest
from text2pixels.datasets import archive, folder, intake, leaks, listing, partition, simulated
from text2pixels.datasets.adapter import Adapter, Candidate
from text2pixels.datasets.admission import Admission, Tally, print_leaks, print_tally
from text2pixels.datasets.archive import open_source
from text2pixels.datasets.catalogue import DATASETS, adapter_of, is_aligned
from text2pixels.datasets.folder import FOLDER
from text2pixels.datasets.manifest import Registration, stream_manifest
from text2pixels.datasets.quarantine import write_quarantine
from text2pixels.datasets.workplace import PARTS, alone, open_workplace
from text2pixels.errors import InputError
from text2pixels.files import check_replaced, take_place
from text2pixels.progress import track
from text2pixels.registry import unknown

SECTIONS: tuple[str, ...] = ("datasets", "ingest")

FEW = 32  # pairs that are read faster than worker processes start
MADE = ("manifest.parquet", "quarantine.parquet", "prints.parquet", "homographies.json", *PARTS)
OPTIONS = ("adapter", "infrared_range", "split")  # of every data set that is read from files


def run(dataset: str) -> None:
    """Ingest one data set of params.yaml.

    Raises:
        InputError: unknown data set or option, missing or damaged source, or no pair that could be used.
    """
    params = params_file.load(SECTIONS)
    source = params.datasets.get(dataset, config.Source())
    ingest(dataset, source, params.ingest, layout.interim(dataset))


def adapter_named(dataset: str) -> str | None:
    """Return the option ``adapter`` of a data set named on the command line: ``folder`` for a name that is not known.

    Raises:
        InputError: the name cannot be a folder's, or is nearly that of a known data set.
    """
    if dataset in DATASETS:
        return None
    if not params_file.is_key(dataset):
        raise InputError(f"--dataset: {dataset!r} is no name: letters, digits, hyphens and underscores, at most 64")
    if get_close_matches(dataset, DATASETS, n=1, cutoff=0.75):
        raise InputError(f"{unknown(dataset, DATASETS, 'data set')} (a set of your own needs a name less like it)")
    return FOLDER.name


def ingest(dataset: str, source: config.Source, settings: config.Ingest, target: Path) -> Tally:
    """Bring a data set in under ``target``, print what came in and what did not, and return the counts.

    Args:
        dataset: a name of `DATASETS`, or any other with ``source.options["adapter"]`` naming one.
        source: where the raw files are; the simulator needs no path.
        settings: workers, limits.
        target: the folder to make; what was there is replaced, at the end.

    Raises:
        InputError: see `run`; also where another ingest is writing the same folder.
    """
    adapter = adapter_of(dataset, source)
    _check_options(adapter, source)
    read = [] if source.path is None or adapter.embedded else [Path(source.path)]
    check_replaced(target, read, MADE, "a data set made by t2p ingest")
    span = _span(adapter, source)
    aligned = is_aligned(adapter, source)
    split_rule, split_of = partition.rule(adapter, source.options)
    classes = adapter.classes or folder.classes_of(source.options)
    with alone(target):
        aside = open_workplace(target, _fingerprint(adapter, source, settings))
        rules = intake.Rules(str(aside), aligned, settings.minimum_side, classes, span)
        admission = Admission(dataset, aside, Registration() if aligned else Registration("none", "doubtful"))
        scratch = target.parent / f".{target.name}.unpacked"
        if adapter.embedded:
            _draw(adapter, source, rules, settings, admission)
        else:
            try:
                with open_source(adapter, source.path, scratch) as root:
                    find = adapter.find or listing.find
                    found = admission.candidates(find(adapter, root, source.options))
                    candidates = (replace(candidate, split=split_of(candidate)) for candidate in found)
                    _take_in(candidates, partial(intake.take_in, rules=rules), aside, settings, admission)
            except InputError:
                _forget(aside, kept=admission.tally.pairs.found)
                raise
        _finish(aside, admission, split_rule, source)
        take_place(aside, target)
        archive.discard(scratch)
    return admission.tally


def _draw(
    adapter: Adapter, source: config.Source, rules: intake.Rules, settings: config.Ingest, admission: Admission
) -> None:
    aside, drawn = Path(rules.folder), simulated.settings_of(adapter, source.options)
    work = partial(simulated.draw, settings=drawn, rules=rules)
    _take_in(simulated.candidates(drawn), work, aside, settings, admission, drawn.pairs)
    if drawn.misalign:
        simulated.write_truth(drawn, aside)


def _finish(aside: Path, admission: Admission, split_rule: str, source: config.Source) -> None:
    """Check and print the counts, and write the lists beside the manifest.

    Raises:
        InputError: not one pair came in.
    """
    tally = admission.tally
    tally.check()
    admission.find_leaks()
    print_tally(tally, split_rule)
    if not tally.pairs.admitted:
        _forget(aside)
        raise InputError(_nothing(tally, source))
    write_quarantine(aside / "quarantine.parquet", tally.quarantined)
    leaks.write_prints(aside / "prints.parquet", admission.names, admission.infrared_dhash, admission.visible_dhash)
    shutil.rmtree(aside / "rows", ignore_errors=True)


def _fingerprint(adapter: Adapter, source: config.Source, settings: config.Ingest) -> str:
    """Return 12 hexadecimal digits over all that a pair's verdict depends on, except its own files."""
    packages = ("text2pixels", "text2pixels_simulator") if adapter.embedded else ("text2pixels",)
    inputs = [asdict(source), settings.minimum_side, digest(closure(Path(__file__), packages))]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _take_in(
    candidates: Iterator[Candidate],
    work: Callable[[Candidate], intake.Verdict],
    aside: Path,
    settings: config.Ingest,
    admission: Admission,
    total: int | None = None,
) -> None:
    first = list(islice(candidates, FEW + 1))
    workers = settings.workers if len(first) > FEW else 1
    with executors.open_executor(workers, settings.dask) as executor:
        ahead = executors.AHEAD * max(settings.workers, 1)
        verdicts = executors.map_ordered(executor, work, chain(first, candidates), ahead)
        pairs = admission.pairs(track(verdicts, f"ingest {admission.tally.dataset}", total))
        stream_manifest(aside / "manifest.parquet", pairs)


def _forget(aside: Path, kept: int = 0) -> None:
    """Remove the folder aside, unless it holds pairs from which another run can go on."""
    if not kept:
        shutil.rmtree(aside)


def _check_options(adapter: Adapter, source: config.Source) -> None:
    known = (*(("adapter",) if adapter.embedded else OPTIONS), *adapter.options)
    for option in source.options:
        if option not in known:
            raise InputError(f"datasets.{adapter.name}.options: {unknown(option, known, 'option')}")


def _span(adapter: Adapter, source: config.Source) -> tuple[float, float] | None:
    """Return the option ``infrared_range``: the counts that become 0 and 255.

    Raises:
        InputError: not two finite, rising numbers.
    """
    said = source.options.get("infrared_range")
    if said is None:
        return None
    try:
        low, high = (float(value) for value in said)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        where = f"datasets.{adapter.name}.options.infrared_range"
        raise InputError(f"{where}: expected two rising counts such as [7000, 9000], found {said!r:.80}")
    return low, high


def compare() -> list[leaks.Leak]:
    """Compare all ingested data sets with each other; print and return the images found on both sides of a split.

    Raises:
        InputError: there is none, of which "no leak" would say nothing.
    """
    folders = [path.parent for path in sorted(layout.INTERIM.glob("*/manifest.parquet"))]
    if not folders:
        where = f"{layout.INTERIM} in {Path.cwd()}"
        raise InputError(f"no ingested data set below {where}: run t2p ingest there, without --output")
    found = leaks.across_splits([entry for folder in folders for entry in leaks.read_prints(folder)])
    print_leaks(found, [folder.name for folder in folders])
    return found


def _nothing(tally: Tally, source: config.Source) -> str:
    if not tally.quarantined:
        return f"datasets.{tally.dataset}: no image at {source.path}"
    row = tally.quarantined[0]
    return (
        f"datasets.{tally.dataset}: none of {tally.pairs.found} pairs at {source.path} could be used; "
        f"the first: {row.name}: {row.reason} ({row.detail})"
    )
