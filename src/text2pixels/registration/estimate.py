"""The infrared-to-visible transform of an unregistered pair, or of a rig from many pairs, and its quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from text2pixels.registration.frames import Image8, Matrix, local_scale
from text2pixels.registration.judgement import disagreement, peak
from text2pixels.registration.pairs import Views, prepare
from text2pixels.registration.refinement import Coordinates, refine
from text2pixels.registration.search import are_distinct, hypotheses

Status = Literal["good", "doubtful", "failed"]

# (side, radius, cell) of each level: pixels of the infrared's longest side, of displacement, of the grid.
_TRIAL = ((192, 6, 12),)
_FINAL = ((320, 4, 16), (640, 3, 24))
_CHECK = (320, 4, 16)


@dataclass(frozen=True)
class Estimate:
    """A transform and what is known of it.

    Attributes:
        matrix: 3x3 float64, infrared pixels to visible pixels of the original images; pixel centres
            are integers, the lower right element is 1.
        method: how it came about.
        status: "good", "doubtful" or "failed"; only a good one should be used unseen.
        residual_px: estimated mean error at the visible frame's corners, visible pixels.
        peak: how far the aligned pair's correlation stands above that at wrong shifts, in standard deviations.
        margin: that over the best wrong shift's.
        coverage: share of the visible frame that the infrared covers.
        reason: why the status is not "good", for people; empty otherwise.
    """

    matrix: Matrix
    method: str
    status: Status
    residual_px: float
    peak: float
    margin: float
    coverage: float
    reason: str = ""


def estimate(infrared: Image8, visible: Image8) -> Estimate:
    """Estimate the transform of one pair; sizes may differ.

    Args:
        infrared: (H, W) 8-bit gray.
        visible: (H', W') 8-bit gray.

    Raises:
        InputError: not 8-bit gray, or too small.
    """
    return estimate_rig([(infrared, visible)])


def estimate_rig(pairs: Sequence[tuple[Image8, Image8]]) -> Estimate:
    """Estimate the one transform of a fixed rig from pairs (infrared, visible) of equal sizes together.

    Raises:
        InputError: no pair, not 8-bit gray, too small, or sizes that differ between pairs.
    """
    views = prepare(pairs)
    matrix, deviation = _best_trial(views)
    matrix, deviation, _ = refine(views, matrix, deviation, _FINAL)
    _, _, blocks = refine(views, matrix, deviation, (_CHECK,))
    residual = disagreement(views, blocks, matrix, deviation)
    found = peak(views, matrix)
    scale = local_scale(np.linalg.inv(views.to_visible), *views.visible_size)
    return Estimate(
        views.in_original_pixels(matrix), "blocks", "good", residual * scale, found.height, found.margin, found.coverage
    )


def _best_trial(views: Views) -> tuple[Matrix, Coordinates]:
    """Refine the hypotheses at low resolution, drop those that meet, and return the best."""
    best: tuple[float, Matrix, Coordinates] | None = None
    seen: list[Matrix] = []
    for hypothesis in hypotheses(views):
        matrix, deviation, _ = refine(views, hypothesis.matrix, np.zeros(8), _TRIAL)
        if not all(are_distinct(matrix, other, views) for other in seen):
            continue
        seen.append(matrix)
        found = peak(views, matrix)
        if best is None or found.height > best[0]:
            best = (found.height, matrix, deviation)
    assert best is not None
    return best[1], best[2]
