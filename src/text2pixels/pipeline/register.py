"""Stage `register`: infrared onto the visible frame, pixel by pixel.

Reads ``data/interim/<dataset>`` and writes ``data/processed/<dataset>`` with the same layout. A source
that is declared aligned passes through untouched, as hard links. Otherwise every pair (or the rig, with
``register.rig``) is estimated, warped and cropped to what both cameras see; a pair whose transform
cannot be verified goes to the quarantine, a doubtful one stays and says so in the manifest. The hashes
in the manifest stay those of the images as ingested.
"""

import os
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

from text2pixels import config, layout, params_file
from text2pixels.datasets.catalogue import adapter_of, is_aligned
from text2pixels.datasets.manifest import Pair, Registration, read_manifest, write_manifest
from text2pixels.datasets.quarantine import Quarantined, read_quarantine, write_quarantine
from text2pixels.errors import InputError
from text2pixels.executors import AHEAD, map_ordered, open_executor
from text2pixels.files import whole_folder
from text2pixels.progress import console, track
from text2pixels.registration.dataset import SetTransform, align, read
from text2pixels.registration.estimate import RIG_PAIRS, estimate_rig
from text2pixels.sampling import spread

SECTIONS: tuple[str, ...] = ("datasets", "register")


def run(dataset: str) -> None:
    """Register every pair of a data set.

    Raises:
        InputError: the manifest is missing, the rig's images differ in size, or no pair could be registered.
    """
    params = params_file.load(SECTIONS)
    source = params.datasets.get(dataset, config.Source())
    interim = layout.interim(dataset)
    pairs = read_manifest(interim / "manifest.parquet")
    with whole_folder(layout.processed(dataset)) as aside:
        if is_aligned(adapter_of(dataset, source), source):
            _pass_through(interim, aside, pairs)
        else:
            _register(interim, aside, pairs, params.register)


def _pass_through(interim: Path, aside: Path, pairs: list[Pair]) -> None:
    for pair in track(pairs, "register (declared aligned)"):
        for image in (pair.infrared, pair.visible):
            _link(interim / image, aside / image)
    write_manifest(aside / "manifest.parquet", [replace(pair, registration=Registration()) for pair in pairs])
    _link(interim / "quarantine.parquet", aside / "quarantine.parquet")


def _register(interim: Path, aside: Path, pairs: list[Pair], settings: config.Register) -> None:
    rig = _estimate_rig(interim, pairs) if settings.rig else None
    work = partial(align, source=interim.resolve(), target=aside.resolve(), rig=rig)
    registered: list[Pair] = []
    left_out: list[Quarantined] = []
    with open_executor(settings.workers, settings.dask) as executor:
        outcomes = map_ordered(executor, work, pairs, AHEAD * max(settings.workers, 1))
        for _, outcome in track(outcomes, "register", len(pairs)):
            left_out += outcome.left_out
            if outcome.pair is not None:
                registered.append(outcome.pair)
    counts = Counter(pair.registration.status for pair in registered)
    failed = len(pairs) - len(registered)
    console.print(f"registered {len(pairs)}: {counts['good']} good, {counts['doubtful']} doubtful, {failed} failed")
    if not registered:
        raise InputError(f"none of {len(pairs)} pairs could be registered; the first: {left_out[0].detail}")
    write_manifest(aside / "manifest.parquet", registered)
    write_quarantine(aside / "quarantine.parquet", [*read_quarantine(interim / "quarantine.parquet"), *left_out])


def _estimate_rig(interim: Path, pairs: list[Pair]) -> SetTransform:
    chosen = spread(pairs, RIG_PAIRS)
    images = [read(interim, pair) for pair in track(chosen, "register: reading the rig's pairs")]
    found = estimate_rig(images)
    console.print(f"rig of {len(chosen)} pairs: {found.status}, {found.residual_px:.1f} px {found.reason}")
    return SetTransform(found, (images[0][0].shape, images[0][1].shape))


def _link(source: Path, target: Path) -> None:
    """Hard-link a file that nobody edits; copy it where the file system cannot link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()  # DVC may keep a symbolic link in the workspace
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
