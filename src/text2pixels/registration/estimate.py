"""The infrared-to-visible transform of an unregistered pair, or of a rig from many pairs, and its quality."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from text2pixels.registration.frames import Image8, Matrix, normalised, scaling
from text2pixels.registration.judgement import FAILED_PEAK, Status, disagreement, judge, loose_quarters, peak
from text2pixels.registration.pairs import Views, prepare
from text2pixels.registration.refinement import Coordinates, refine
from text2pixels.registration.search import are_distinct, hypotheses

RIG_PAIRS = 16  # of a set, to estimate its transform from: more add little, and all are held in memory
# (side, radius, cell) of each level: pixels of the infrared's longest side, of displacement, of the grid.
_TRIAL = ((192, 6, 12), (320, 4, 16))
_FINAL = ((640, 3, 24),)
_CHECK = (320, 4, 16)
# The residual, found by comparing two halves of the blocks, is this many times too small, because the halves share the
# prior and the pixels where they meet. Measured on simulated pairs, whose true transform is known.
_UNDERSTATED = 1.5
# The score of "no transform" (the infrared frame exactly on the visible one) is multiplied by this: it is a single
# hypothesis, while some of the million shifts and scales of the search reach a peak of 6 by chance.
_FRAME_ON_FRAME = 1.4
# A hypothesis that stands out like this, far above any unrelated pair, ends the trials.
_CLEAR_PEAK, _CLEAR_MARGIN = 12.0, 2.5


@dataclass(frozen=True)
class Estimate:
    """A transform and what is known of it.

    Attributes:
        matrix: 3x3 float64, infrared pixels to visible pixels of the original images; pixel centres
            are integers, the lower right element is 1.
        method: "blocks" from one pair, "rig" from several.
        status: "good", "doubtful" or "failed"; only a good one should be used without looking at it.
        residual_px: estimated mean error at the visible frame's corners, visible pixels.
        peak: how far the aligned pair's correlation stands above that at wrong shifts, in standard deviations.
        margin: ``peak`` over that of the best wrong shift.
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
    height, width = pairs[0][1].shape
    scale = width / views.visible_size[1]
    residual = _UNDERSTATED * scale * disagreement(views, blocks, matrix, deviation)
    found = peak(views, matrix)
    status, reason = judge(found, residual / float(np.hypot(height, width)), loose_quarters(views, matrix))
    method = "blocks" if len(pairs) == 1 else "rig"
    full = views.in_original_pixels(matrix)
    return Estimate(full, method, status, residual, found.height, found.margin, found.coverage, reason)


def confirms(found: Estimate, infrared: Image8, visible: Image8) -> bool:
    """Tell whether the images of a pair (gray, 8 bits) match under a transform better than those of unrelated pairs."""
    views = prepare([(infrared, visible)])
    reduced = views.to_visible @ found.matrix @ np.linalg.inv(views.to_infrared)
    return peak(views, normalised(reduced)).height >= FAILED_PEAK


def _best_trial(views: Views) -> tuple[Matrix, Coordinates]:
    """Refine the hypotheses at low resolution, drop those that converge to the same transform, and return the best."""
    best: tuple[float, Matrix, Coordinates] | None = None
    seen: list[Matrix] = []
    # Frame on frame is always tried: misalignment is often small, and fog may leave too little for a search.
    starts = [(hypothesis.matrix, 1.0) for hypothesis in hypotheses(views)]
    for start, credit in [*starts, (scaling(views.infrared_size, views.visible_size), _FRAME_ON_FRAME)]:
        matrix, deviation, _ = refine(views, start, np.zeros(8), _TRIAL)
        if not all(are_distinct(matrix, other, views) for other in seen):
            continue
        seen.append(matrix)
        found = peak(views, matrix)
        if best is None or credit * found.height > best[0]:
            best = (credit * found.height, matrix, deviation)
        if found.height > _CLEAR_PEAK and found.margin > _CLEAR_MARGIN:
            break
    assert best is not None
    return best[1], best[2]
