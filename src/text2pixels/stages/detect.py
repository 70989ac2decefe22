"""Stage `detect`: the one detection protocol of all methods.

The same start weights, split, seed and budget for every method: fine-tuned on its fused training
pairs, tested on the labelled pairs of the test split.
"""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels import config, layout
from text2pixels.baselines.table import BASELINES
from text2pixels.data.images import read_gray, read_rgb
from text2pixels.data.manifest import Pair, in_split, read_manifest
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import detect, fit, known_boxes
from text2pixels.detection.table import write_detections
from text2pixels.detection.weights import read
from text2pixels.errors import InputError
from text2pixels.fusion.colour import restore_colour
from text2pixels.progress import console
from text2pixels.training.device import pick_device

SECTIONS: tuple[str, ...] = ("seed", "detect")


def run(dataset: str, method: str) -> None:
    """Write `layout.detections(dataset, method)`; an empty table where no test pair is labelled.

    Raises:
        InputError: the data set is not registered, a fused image or the start weights are missing.
    """
    params = config.load(SECTIONS)
    settings, path = params.detect, layout.detections(dataset, method)
    pairs = [pair for pair in read_manifest(layout.processed(dataset) / "manifest.parquet") if pair.labelled]
    test = in_split(pairs, "test")
    if not test:
        console.print(f"detect: no test pair of {dataset} is labelled: {path} is an empty table")
        write_detections(path, [])
        return
    detector, device = read(layout.detector()), pick_device(settings.device)
    coloured = method not in BASELINES or BASELINES[method].colour
    train = [_example(dataset, method, coloured, pair, detector.categories) for pair in in_split(pairs, "train")]
    if train:
        fit(
            detector,
            train,
            epochs=settings.epochs,
            batch=settings.batch,
            image_size=settings.image_size,
            learning_rate=settings.learning_rate,
            seed=params.seed,
            device=device,
            description=f"detect {dataset} by {method}",
        )
    else:
        console.print(f"detect: no training pair of {dataset} is labelled: the start weights are tested as they are")
    examples = [_example(dataset, method, coloured, pair, detector.categories) for pair in test]
    found = dict(detect(detector, examples, batch=settings.batch, image_size=settings.image_size, device=device))
    write_detections(path, ((pair.pair_id, pair.boxes, found[pair.pair_id]) for pair in test))


def _example(dataset: str, method: str, coloured: bool, pair: Pair, categories: tuple[str, ...]) -> Example:
    fused = layout.fused(dataset, method) / f"{pair.name}.png"
    if not fused.is_file():
        raise InputError(f"no fused image {fused}: run t2p fuse --dataset {dataset} --method {method} again")
    visible = layout.processed(dataset) / pair.visible
    return Example(pair.pair_id, partial(_read, fused, visible, coloured), known_boxes(pair.boxes, categories))


def _read(fused: Path, visible: Path, coloured: bool) -> NDArray[np.uint8]:
    luminance = read_gray(fused)
    return restore_colour(luminance, read_rgb(visible)) if coloured else np.repeat(luminance[..., None], 3, axis=2)
