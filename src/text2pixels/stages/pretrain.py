"""Stage `pretrain`: the start weights that every method's detector begins with.

COCO weights where `detect.weights` names them, random ones otherwise; then trained on the infrared
and on the visible training images of the labelled data sets, as many of the one as of the other,
so that the start favours no fused method. (Even COCO weights need it: a classic YOLOv5 has no
anchor-free head to give.)
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from text2pixels import config, layout
from text2pixels.data.images import read_gray, read_rgb
from text2pixels.data.manifest import Pair, in_split, read_manifest
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import fit
from text2pixels.detection.weights import save, transplant
from text2pixels.detection.yolo import Detector
from text2pixels.files import sha256, whole_folder
from text2pixels.progress import console
from text2pixels.training.device import pick_device

SECTIONS: tuple[str, ...] = ("seed", "datasets", "detect")

_NO_LABELS = ("object",)  # the one category of a detector that nobody will train or test


def run() -> None:
    """Write `layout.detector()`.

    Raises:
        InputError: a data set is not registered, or the weights do not fit.
    """
    params = config.load(SECTIONS)
    detect = params.detect
    labelled = [(dataset, pair) for dataset in params.datasets for pair in _labelled(dataset)]
    categories = sorted({box.category for _, pair in labelled for box in pair.boxes})
    torch.manual_seed(params.seed)
    detector = Detector(categories or _NO_LABELS, detect.scale)
    facts: dict[str, object] = {"start": "random"}
    if detect.weights is not None:
        path = Path(detect.weights)
        count = transplant(detector, path)
        facts = {"start": path.name, "sha256": sha256(path), "tensors": count}
        console.print(f"pretrain: {count} tensors of {path.name} fit YOLOv5u-{detect.scale}")
    if categories and detect.pretrain_epochs:
        examples = [example for dataset, pair in labelled for example in _both(dataset, pair)]
        losses = fit(
            detector,
            examples,
            epochs=detect.pretrain_epochs,
            batch=detect.batch,
            image_size=detect.image_size,
            learning_rate=detect.pretrain_rate,
            seed=params.seed,
            device=pick_device(detect.device),
            description="pretrain the detector",
        )
        facts |= {"images": len(examples), "losses": losses}
    elif not categories:
        console.print("pretrain: no training pair has boxes; the detector stays untrained")
    with whole_folder(layout.detector()) as folder:
        save(folder, detector, facts)


def _labelled(dataset: str) -> list[Pair]:
    pairs = read_manifest(layout.processed(dataset) / "manifest.parquet")
    return [pair for pair in in_split(pairs, "train") if pair.labelled]


def _both(dataset: str, pair: Pair) -> list[Example]:
    folder = layout.processed(dataset)
    readers = (partial(_read_infrared, folder / pair.infrared), partial(read_rgb, folder / pair.visible))
    return [Example(pair.pair_id, reader, pair.boxes) for reader in readers]


def _read_infrared(path: Path) -> NDArray[np.uint8]:
    return np.repeat(read_gray(path)[..., None], 3, axis=2)
