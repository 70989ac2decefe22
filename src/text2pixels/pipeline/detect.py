"""Stage `detect`: a method's images of every data set, under every detection protocol that applies.

The fine-tuned and the zero-shot protocol are the same for every method (`detection.protocol`). A method
that was trained together with a detector is also tested with that detector, on the test split.
What each fold's detector found is kept in `.cache/detect`: a stage that was stopped, or is asked for more seeds, trains
only what is missing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from text2pixels import config, layout, params_file
from text2pixels.closure import closure, fingerprint
from text2pixels.datasets.catalogue import adapter_of
from text2pixels.datasets.manifest import Pair, in_split, is_fused, read_manifest
from text2pixels.detection import protocol
from text2pixels.detection.detections import K_FOLD, OWN, SCHEMA, as_table, read_detections, write_detections
from text2pixels.detection.examples import Example
from text2pixels.detection.protocol import Job, fold_jobs, work, zero_shot_job
from text2pixels.device import pick_device
from text2pixels.errors import InputError
from text2pixels.executors import map_ordered, open_executor
from text2pixels.files import whole_folder
from text2pixels.image.colour import restore_colour
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.card import read_card
from text2pixels.progress import console, track

SECTIONS: tuple[str, ...] = ("seed", "datasets", "fuse", "detect")

# Settings that decide which trainings there are, or where they run, and change nothing within one.
_OF_NO_JOB = {"pretrain_epochs", "pretrain_rate", "folds", "seeds", "least_pairs", "workers", "device"}


def run(method: str) -> None:
    """Write `layout.detections(dataset, method)` for every data set; an empty table where no pair is labelled.

    Raises:
        InputError: a data set is not registered, a fused image or the start weights are missing.
    """
    params = params_file.load(SECTIONS)
    settings = params.detect
    if settings.weights is None or Path(settings.weights).is_dir():
        console.print("detect: detect.weights names no COCO weights: no zero-shot detection")
    jobs: list[Job] = []
    colour = read_card(layout.model(method))[0].colour != "none"
    for group in sharing(params.datasets):
        examples = {
            pair.pair_id: example_of(dataset, method, pair, colour)
            for dataset, (_, pairs) in group.items()
            for pair in pairs
            if pair.labelled and is_fused(pair, params.fuse.pairs)
        }
        if examples and trains(params.fuse):
            jobs += fold_jobs(group, examples, settings, params.seed, layout.detector(), method)
        for dataset, (_, pairs) in group.items():
            tested = [examples[pair.pair_id] for pair in pairs if pair.pair_id in examples]
            job = zero_shot_job(dataset, tested, settings)
            jobs += [*([job] if job else []), *_own(method, pairs, examples, settings)]
    write(method, params.datasets, jobs, settings.workers)


def sharing(datasets: Mapping[str, config.Source]) -> list[dict[str, tuple[Path, list[Pair]]]]:
    """Return the data sets in groups of the same categories, each with its manifest's folder and its pairs."""
    groups: dict[object, dict[str, tuple[Path, list[Pair]]]] = {}
    for dataset, source in datasets.items():
        folder = layout.processed(dataset)
        pairs = read_manifest(folder / "manifest.parquet")
        categories = frozenset(adapter_of(dataset, source).classes.values())
        key = categories if categories and any(pair.labelled for pair in pairs) else dataset
        groups.setdefault(key, {})[dataset] = (folder, pairs)
    return list(groups.values())


def trains(settings: config.Fuse) -> bool:
    """Say whether detectors are trained in folds: not where only the test split is fused."""
    if settings.pairs == "test":
        console.print("detect: fuse.pairs is the test split alone: no detector is trained in folds")
    return settings.pairs == "labelled"


def write(method: str, datasets: Sequence[str] | Mapping[str, object], jobs: Sequence[Job], workers: int) -> None:
    """Do the jobs and write the detections of each data set, an empty table where it was not tested."""
    tables = [SCHEMA.empty_table()]
    with open_executor(workers) as executor:
        done = map_ordered(executor, work_once, jobs, len(jobs))
        for _, table in track(done, f"detect by {method}", len(jobs)) if workers > 1 else done:
            tables.append(table)
    found = pa.concat_tables(tables)
    with whole_folder(layout.detections_of(method)) as folder:
        for dataset in datasets:
            own = found.filter(pc.starts_with(found["pair_id"], f"{dataset}/"))
            if not own.num_rows:
                console.print(f"detect: {dataset}: nothing to test: an empty table")
            pq.write_table(own, folder / layout.detections(dataset, method).name)


def work_once(job: Job) -> pa.Table:
    """Do a job, unless it is a training that was done before; return what was found, as `detections.SCHEMA` has it."""
    if job.protocol != K_FOLD:
        return as_table(work(job))
    kept = layout.detection_cache(_fingerprint(job))
    if not kept.is_file():
        write_detections(kept, work(job))
    return read_detections(kept)


def _fingerprint(job: Job) -> str:
    decides = {name: value for name, value in asdict(job.settings).items() if name not in _OF_NO_JOB}
    decides |= {"job": [job.fold, job.seed, job.categories, job.channels, pick_device(job.settings.device).type]}
    decides |= {"images": [[_digest(example) for example in part] for part in (job.train, job.test)]}
    start = [path for path in (job.start, *sorted(job.start.glob("*"))) if path.is_file()]  # none: `work` says so
    return fingerprint(decides, closure(protocol.__file__), start)


@cache
def _digest(example: Example) -> str:
    image = example.read()
    return hashlib.sha256(f"{example.pair_id} {image.shape} {example.boxes}".encode() + image.tobytes()).hexdigest()


def _own(method: str, pairs: Sequence[Pair], examples: Mapping[str, Example], settings: config.Detect) -> list[Job]:
    """Return the test of the detector that was trained with a method, on the split from which neither has learned."""
    test = tuple(examples[pair.pair_id] for pair in in_split(pairs, "test") if pair.labelled)
    if not (layout.model(method) / "detector.json").is_file() or not test:
        return []
    return [Job(OWN, None, None, layout.model(method), (), (), test, settings)]


def example_of(dataset: str, method: str, pair: Pair, colour: bool) -> Example:
    """Return a pair as a detector sees it: the method's image, in the visible image's colour or gray, and the boxes.

    Raises:
        InputError: the pair was not fused.
    """
    fused = layout.fused(dataset, method) / f"{pair.name}.png"
    if not fused.is_file():
        raise InputError(f"no fused image {fused}: run dvc repro fuse")
    return Example(pair.pair_id, partial(_read, fused, layout.processed(dataset) / pair.visible, colour), pair.boxes)


def _read(fused: Path, visible: Path, coloured: bool) -> NDArray[np.uint8]:
    luminance = read_gray(fused)
    return restore_colour(luminance, read_rgb(visible)) if coloured else np.repeat(luminance[..., None], 3, axis=2)
