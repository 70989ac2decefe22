"""Stage `detect`: a method's images under every detection protocol that applies.

The k-fold protocol is the same for every method: folds, start weights, seed and budget. Each fold's
detector is fine-tuned on the method's images of the other folds and tested on the fold's. A method
that was trained together with a detector is tested with that one besides, on the test split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels import config, layout
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.detection.detections import K_FOLD, OWN, ZERO_SHOT, Detection, EvaluatedImage, write_detections
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import Predictor, detect, fit, known_boxes
from text2pixels.detection.folds import make_folds, too_few
from text2pixels.detection.pretraining import categories_of
from text2pixels.detection.threads import fixed_threads
from text2pixels.detection.weights import coco_classes, read
from text2pixels.detection.zero_shot import IMAGE_SIZE, read_coco
from text2pixels.device import pick_device
from text2pixels.errors import InputError
from text2pixels.executors import map_ordered, open_executor
from text2pixels.image.colour import restore_colour
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.card import read_card
from text2pixels.progress import console, track

SECTIONS: tuple[str, ...] = ("seed", "detect")


@dataclass(frozen=True)
class _Job:
    """Images to test, and perhaps to train on before, in this process or another."""

    protocol: str
    fold: int | None
    start: Path  # folder of a detector; of zero-shot the file of COCO weights
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    settings: config.Detect
    seed: int
    description: str | None


def run(dataset: str, method: str) -> None:
    """Write `layout.detections(dataset, method)`; an empty table where no pair is labelled.

    Raises:
        InputError: the data set is not registered, a fused image or the start weights are missing.
    """
    params = config.load(SECTIONS)
    settings, path = params.detect, layout.detections(dataset, method)
    pairs = [pair for pair in read_manifest(layout.processed(dataset) / "manifest.parquet") if pair.labelled]
    if not pairs:
        console.print(f"detect: no pair of {dataset} is labelled: {path} is an empty table")
        write_detections(path, [])
        return
    examples = {pair.pair_id: _example(dataset, method, pair) for pair in pairs}
    jobs = [
        *_folds(dataset, method, pairs, examples, settings, params.seed),
        *_zero_shot(dataset, pairs, examples, settings, params.seed),
        *_own(method, pairs, examples, settings, params.seed),
    ]
    outcomes: list[EvaluatedImage] = []
    with open_executor(settings.workers) as executor:
        done = map_ordered(executor, _work, jobs, len(jobs))
        apart = settings.workers > 1
        for _, tested in track(done, f"detect {dataset} by {method}", len(jobs)) if apart else done:
            outcomes += tested
    write_detections(path, outcomes)


def _folds(
    dataset: str,
    method: str,
    pairs: Sequence[Pair],
    examples: dict[str, Example],
    settings: config.Detect,
    seed: int,
) -> list[_Job]:
    folds = make_folds(pairs, settings.folds)
    if not folds:
        console.print(f"detect: {too_few(dataset, pairs, settings.folds)}: no detector is trained on it")
    jobs = []
    for fold in folds:
        start = layout.fold_detectors(dataset) / str(fold.number) if len(folds) > 1 else layout.detector()
        train, test = (tuple(examples[pair.pair_id] for pair in part) for part in (fold.train, fold.test))
        words = f"detect {dataset} by {method}, fold {fold.number + 1} of {len(folds)}"
        description = None if settings.workers > 1 else words
        jobs.append(_Job(K_FOLD, fold.number, start, train, test, settings, seed, description))
    return jobs


def _zero_shot(
    dataset: str, pairs: Sequence[Pair], examples: dict[str, Example], settings: config.Detect, seed: int
) -> list[_Job]:
    """Return the test of a COCO detector on all labelled pairs, in the categories that COCO knows."""
    if settings.weights is None:
        console.print("detect: detect.weights names no COCO weights: no zero-shot detection")
        return []
    categories = categories_of(pairs)
    known = tuple(coco_classes(categories))
    if unknown := [name for name in categories if name not in known]:
        console.print(f"detect: COCO has no {', '.join(unknown)}: left out of zero-shot detection on {dataset}")
    test = tuple(_known(examples[pair.pair_id], known) for pair in pairs)
    return [_Job(ZERO_SHOT, None, Path(settings.weights), (), test, settings, seed, None)] if known else []


def _own(
    method: str, pairs: Sequence[Pair], examples: dict[str, Example], settings: config.Detect, seed: int
) -> list[_Job]:
    """Return the test of the detector that came with a method: the two learned from the labels of other splits."""
    test = tuple(examples[pair.pair_id] for pair in in_split(pairs, "test"))
    if not (layout.model(method) / "detector.json").is_file() or not test:
        return []
    return [_Job(OWN, None, layout.model(method), (), test, settings, seed, None)]


def _work(job: _Job) -> list[EvaluatedImage]:
    with fixed_threads(1):
        found = dict(_found(job))
    return [
        EvaluatedImage(example.pair_id, example.boxes, found[example.pair_id], job.protocol, job.fold)
        for example in job.test
    ]


def _found(job: _Job) -> Iterator[tuple[str, list[Detection]]]:
    settings, device = job.settings, pick_device(job.settings.device)
    image_size = settings.image_size
    detector: Predictor
    if job.protocol == ZERO_SHOT:
        categories = coco_classes(categories_of(job.test))
        detector, image_size = read_coco(job.start, settings.scale, categories), IMAGE_SIZE
    else:
        detector = read(job.start)
        if job.train:
            fit(
                detector,
                [_known(example, detector.categories) for example in job.train],
                epochs=settings.epochs,
                batch=settings.batch,
                image_size=settings.image_size,
                learning_rate=settings.learning_rate,
                seed=job.seed,
                device=device,
                description=job.description,
            )
    yield from detect(detector, job.test, batch=settings.batch, image_size=image_size, device=device)


def _known(example: Example, categories: Sequence[str]) -> Example:
    return Example(example.pair_id, example.read, known_boxes(example.boxes, categories))


def _example(dataset: str, method: str, pair: Pair) -> Example:
    fused = layout.fused(dataset, method) / f"{pair.name}.png"
    if not fused.is_file():
        raise InputError(f"no fused image {fused}: run dvc repro fuse")
    colour = read_card(layout.model(method))[0].colour != "none"
    return Example(pair.pair_id, partial(_read, fused, layout.processed(dataset) / pair.visible, colour), pair.boxes)


def _read(fused: Path, visible: Path, coloured: bool) -> NDArray[np.uint8]:
    luminance = read_gray(fused)
    return restore_colour(luminance, read_rgb(visible)) if coloured else np.repeat(luminance[..., None], 3, axis=2)
