"""The protocols by which a method's images are judged, the same for every method: folds, start, seeds, budget.

Fine-tuned (`K_FOLD`): from given weights, COCO's as they are, a detector for each fold and seed is trained on the
method's images of the other folds, of all data sets with the same categories, and tested on the fold's.
Categories with too few boxes to learn from are left to those weights as they are.
Zero-shot: COCO's weights as they are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from text2pixels import config
from text2pixels.datasets.manifest import Pair
from text2pixels.detection.detections import K_FOLD, OWN, ZERO_SHOT, Detection, EvaluatedImage
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import Predictor, detect, fit, known_boxes
from text2pixels.detection.folds import Fold, make_folds, pool, scenes_of, why_not
from text2pixels.detection.pretraining import categories_of
from text2pixels.detection.threads import fixed_threads
from text2pixels.detection.weights import coco_classes, inflate, known_to, read, starts_whole, transplant
from text2pixels.detection.yolo import Detector
from text2pixels.detection.zero_shot import IMAGE_SIZE, read_coco
from text2pixels.device import pick_device
from text2pixels.progress import console


@dataclass(frozen=True)
class Job:
    """Images to test, and perhaps to train on before, in this process or another.

    Attributes:
        protocol: of `detections.PROTOCOLS`.
        fold: that is tested; None but in folds.
        seed: of the training; None but in folds.
        start: folder of a detector, or COCO's file.
        categories: of the detector.
        train: examples to train on.
        test: examples to test.
        settings: of the section detect.
        channels: of the images.
        description: of a progress bar; None: no bar.
    """

    protocol: str
    fold: int | None
    seed: int | None
    start: Path
    categories: tuple[str, ...]
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    settings: config.Detect
    channels: int = 3
    description: str | None = None


def fold_jobs(
    sets: Mapping[str, tuple[Path, Sequence[Pair]]],
    examples: Mapping[str, Example],
    settings: config.Detect,
    seed: int,
    pretrained: Path,
    what: str,
    channels: int = 3,
) -> list[Job]:
    """Return the trainings and tests in folds, of data sets that share their training; none for too few pairs.

    Args:
        sets: data set -> folder of its manifest, and its pairs.
        examples: of every labelled pair.
        settings: of the section detect.
        seed: the first; the others follow it.
        pretrained: folder of the detector to start from where no given weights do: it has seen the train split, so the
            committed split is the only fold.
        what: is judged, for the progress bar.
        channels: of the examples' images.
    """
    count = settings.folds if starts_whole(settings) else 1
    names = " and ".join(sets)
    made = [
        make_folds(pairs, count, scenes_of(folder, [pair for pair in pairs if pair.labelled]) if count > 1 else None)
        for folder, pairs in sets.values()
    ]
    folds = pool(made)
    if reason := why_not(folds, settings.least_pairs):
        console.print(f"detect: {names}: {reason}; no detector is trained on it")
        return []
    categories = categories_of([pair for _, pairs in sets.values() for pair in pairs if pair.labelled])
    start = Path(str(settings.weights)) if starts_whole(settings) else pretrained
    jobs = []
    for number in range(settings.seeds):
        for fold in folds:
            words = f"detect {names} by {what}, seed {number + 1}/{settings.seeds}, fold {fold.number + 1}/{len(folds)}"
            train, test = _examples(fold, examples)
            jobs.append(
                Job(
                    K_FOLD,
                    fold.number,
                    seed + number,
                    start,
                    categories,
                    train,
                    test,
                    settings,
                    channels,
                    None if settings.workers > 1 else words,
                )
            )
    return jobs


def zero_shot_job(dataset: str, test: Sequence[Example], settings: config.Detect) -> Job | None:
    """Return the test of COCO's detector on all labelled pairs, in the categories that COCO knows."""
    if settings.weights is None or Path(settings.weights).is_dir():
        return None
    categories = categories_of(test)
    known = tuple(coco_classes(categories))
    if unknown := [name for name in categories if name not in known]:
        console.print(f"detect: COCO has no {', '.join(unknown)}: left out of zero-shot detection on {dataset}")
    if not known:
        return None
    kept = tuple(_known(example, known) for example in test)
    return Job(ZERO_SHOT, None, None, Path(settings.weights), known, (), kept, settings)


def work(job: Job) -> list[EvaluatedImage]:
    """Train, where the job says so, and test."""
    settings, device = job.settings, pick_device(job.settings.device)
    with fixed_threads(1):
        image_size = IMAGE_SIZE if job.protocol == ZERO_SHOT else settings.image_size
        found: dict[str, list[Detection]] = {example.pair_id: [] for example in job.test}
        for detector in _detectors(job, device):
            tested = detect(detector, job.test, image_size=image_size, device=device)
            found = {pair_id: [*found[pair_id], *detections] for pair_id, detections in tested}
    return [
        EvaluatedImage(
            each.pair_id,
            each.boxes,
            sorted(found[each.pair_id], key=lambda item: -item.score),
            job.protocol,
            job.fold,
            job.seed,
        )
        for each in job.test
    ]


def _detectors(job: Job, device: torch.device) -> Iterator[Predictor]:
    """Yield the detectors that share a job's categories; each is trained when it is asked for."""
    if job.protocol == ZERO_SHOT:
        yield read_coco(job.start, job.settings.scale, coco_classes(job.categories))
        return
    if job.protocol == OWN:
        yield read(job.start)
        return
    rare = rare_categories(job)
    learned = tuple(name for name in job.categories if name not in rare)
    if learned:
        yield _trained(replace(job, categories=learned), device)
    if rare:
        yield start_of(replace(job, categories=rare))


def rare_categories(job: Job) -> tuple[str, ...]:
    """Return the categories that a fold does not train, as there are too few boxes to learn from.

    The given weights find them as they are: trained on a dozen bicycles, a detector finds fewer than before.
    """
    if not starts_whole(job.settings):
        return ()
    boxes = Counter(box.category for example in job.train for box in example.boxes)
    known = known_to(job.start, job.categories)
    return tuple(name for name in job.categories if name in known and boxes[name] < job.settings.least_boxes)


def _trained(job: Job, device: torch.device) -> Detector:
    settings, whole = job.settings, starts_whole(job.settings)
    detector = start_of(job)
    fit(
        detector,
        [_known(example, detector.categories) for example in job.train],
        epochs=settings.epochs,
        batch=settings.batch,
        image_size=settings.image_size,
        learning_rate=settings.learning_rate,
        seed=job.seed or 0,
        device=device,
        description=job.description,
        frozen_statistics=whole,
        # What a fourth channel shows, the first layers have yet to learn.
        frozen_layers=settings.frozen_layers if whole and job.channels == 3 else 0,
        memory=settings.memory,
        bf16=settings.bf16,
    )
    return detector


def start_of(job: Job) -> Detector:
    """Return the detector that a fold's training begins with.

    Raises:
        InputError: no such weights, or they do not fit.
    """
    settings = job.settings
    if not starts_whole(settings):
        return inflate(read(job.start)) if job.channels > 3 else read(job.start)
    detector = Detector(job.categories, settings.scale, settings.head, job.channels)
    transplant(detector, job.start)
    return detector


def _examples(fold: Fold, examples: Mapping[str, Example]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    train, test = (tuple(examples[pair.pair_id] for pair in part) for part in (fold.train, fold.test))
    return train, test


def _known(example: Example, categories: Sequence[str]) -> Example:
    return Example(example.pair_id, example.read, known_boxes(example.boxes, categories))
