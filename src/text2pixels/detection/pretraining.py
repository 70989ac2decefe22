"""The start weights of a detector: those given, or random ones, then trained on as many infrared as visible images."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from text2pixels import config
from text2pixels.datasets.manifest import Pair
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import fit, known_boxes
from text2pixels.detection.weights import LAYOUT, starts_whole, transplant
from text2pixels.detection.yolo import Detector
from text2pixels.device import pick_device
from text2pixels.files import sha256
from text2pixels.image.png import read_gray, read_rgb

_NO_LABELS = ("object",)  # the one category of a detector that nobody will train or test


def categories_of(labelled: Iterable[Pair | Example]) -> tuple[str, ...]:
    """Return the categories that occur, in order."""
    return tuple(sorted({box.category for item in labelled for box in item.boxes}))


def source_examples(folder: Path, pair: Pair, categories: Sequence[str]) -> list[Example]:
    """Return the infrared and the visible image of a pair, with its boxes.

    Args:
        folder: of the manifest.
        pair: labelled.
        categories: whose boxes count.
    """
    readers = (partial(_read_infrared, folder / pair.infrared), partial(read_rgb, folder / pair.visible))
    return [Example(pair.pair_id, reader, known_boxes(pair.boxes, categories)) for reader in readers]


def start_weights(
    examples: Sequence[Example], categories: Sequence[str], settings: config.Detect, seed: int, description: str | None
) -> tuple[Detector, dict[str, object]]:
    """Return a detector trained on the examples, and what is to be known of it.

    It begins with the weights that ``settings.weights`` names, or with random ones. Weights that start the head, too
    (`starts_whole`), learn for no more epochs than a fold does; others for ``pretrain_epochs``. No epochs there are
    none in either case.

    Args:
        examples: as many infrared as visible images, so that the start favours no fused method.
        categories: of the detector; empty where nobody labelled anything.
        settings: of the section detect.
        seed: of the random weights, the order and the augmentation.
        description: of the progress bar; None: without.

    Raises:
        InputError: the weights are missing or do not fit, or the loss is no longer finite.
    """
    torch.manual_seed(seed)
    detector = Detector(categories or _NO_LABELS, settings.scale, settings.head)
    knows = starts_whole(settings)
    epochs = min(settings.epochs, settings.pretrain_epochs) if knows else settings.pretrain_epochs
    facts: dict[str, object] = {"start": "random"}
    if settings.weights is not None:
        path = Path(settings.weights)
        count = transplant(detector, path)
        weights = path / LAYOUT.weights if path.is_dir() else path
        facts = {"start": path.name, "start_sha256": sha256(weights), "tensors": count}
    if categories and epochs:
        losses = fit(
            detector,
            examples,
            epochs=epochs,
            batch=settings.batch,
            image_size=settings.image_size,
            learning_rate=settings.learning_rate if knows else settings.pretrain_rate,
            seed=seed,
            device=pick_device(settings.device),
            description=description,
            frozen_statistics=knows,
        )
        facts |= {"images": len(examples), "losses": losses}
    return detector, facts


def _read_infrared(path: Path) -> NDArray[np.uint8]:
    return np.repeat(read_gray(path)[..., None], 3, axis=2)
