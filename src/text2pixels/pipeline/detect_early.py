"""Stage `detect-early`: detection without fusion, by a detector that sees both images of a pair.

YOLOv5 with a fourth channel for the infrared is trained and tested in the same folds, and with the same seeds, start
weights and budget as for every method (`detection.protocol`). This is called early fusion. Late fusion needs no stage,
as it is made of the detections of both sources.
"""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels import layout, params_file
from text2pixels.detection.detections import EARLY
from text2pixels.detection.examples import Example
from text2pixels.detection.protocol import Job, fold_jobs
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.pipeline.detect import sharing, trains, write

SECTIONS: tuple[str, ...] = ("seed", "datasets", "fuse", "detect")


def run() -> None:
    """Write `layout.detections(dataset, "early")` for every data set.

    Raises:
        InputError: a data set is not registered, or the start weights are missing.
    """
    params = params_file.load(SECTIONS)
    jobs: list[Job] = []
    for group in sharing(params.datasets):
        examples = {
            pair.pair_id: Example(
                pair.pair_id, partial(_read, folder / pair.infrared, folder / pair.visible), pair.boxes
            )
            for folder, pairs in group.values()
            for pair in pairs
            if pair.labelled
        }
        if examples and trains(params.fuse):
            jobs += fold_jobs(group, examples, params.detect, params.seed, layout.detector(), EARLY, channels=4)
    write(EARLY, params.datasets, jobs, params.detect.workers)


def _read(infrared: Path, visible: Path) -> NDArray[np.uint8]:
    """Return (H, W, 4): red, green, blue, infrared."""
    return np.dstack([read_rgb(visible), read_gray(infrared)])
