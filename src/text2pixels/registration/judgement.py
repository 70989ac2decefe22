"""Whether an estimate can be trusted: evidence other than the similarity that it maximised, and the verdict."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.blocks import Blocks, described_level
from text2pixels.registration.descriptors import Features
from text2pixels.registration.frames import Matrix, corner_error
from text2pixels.registration.pairs import Views
from text2pixels.registration.refinement import Coordinates, apply_move, climb
from text2pixels.registration.search import masked_correlation

Status = Literal["good", "doubtful", "failed"]

# Tried on over 180 unrelated pairs, real and simulated: most stay below a peak of 6.6. The highest peak is 10.4, with a
# margin of 1.90, of two streets that look alike. Real pairs that were registered correctly start at 7.5.
FAILED_PEAK, _FAILED_RESIDUAL = 6.5, 0.05
_GOOD_PEAK, _GOOD_MARGIN, _GOOD_RESIDUAL = 10.0, 2.0, 0.01
_SIDE = 320  # pixels, longest side of the infrared at which shifts are compared
_NEAR = 3  # pixels: up to here a shift counts as that of the estimate itself
_FAR = 12  # pixels: from here on a shift is wrong
_TILE = 3  # cells: side of the tiles in which blocks are dealt to the halves, because neighbouring blocks share pixels


@dataclass(frozen=True)
class Peak:
    """How the correlation of the aligned pair stands out among those of all shifts of one image against the other.

    Attributes:
        height: above the mean at wrong shifts, in standard deviations of the correlation there.
        margin: ``height`` over that of the best wrong shift.
        coverage: share of the visible frame that the infrared covers.
    """

    height: float
    margin: float
    coverage: float


def judge(found: Peak, residual: float, loose: int) -> tuple[Status, str]:
    """Return the status and, unless it is "good", the reason.

    ``residual`` is a share of the visible diagonal, ``loose`` the number from `loose_quarters`.
    """
    if found.height < FAILED_PEAK:
        return "failed", f"no shift stands out: {found.height:.1f} standard deviations, chance reaches 6"
    if residual > _FAILED_RESIDUAL:
        return "failed", f"halves of the picture contradict each other by {residual:.1%} of the diagonal"
    if found.height < _GOOD_PEAK or found.margin < _GOOD_MARGIN:
        return (
            "doubtful",
            f"weak evidence: {found.height:.1f} standard deviations, {found.margin:.1f} x the best wrong shift",
        )
    if loose:
        return "doubtful", f"{loose} of 4 quarters of the picture do not confirm it: too little that both cameras see"
    if residual > _GOOD_RESIDUAL:
        return "doubtful", f"estimated error {residual:.1%} of the diagonal"
    return "good", ""


def peak(views: Views, matrix: Matrix) -> Peak:
    """Correlate the warped infrared with the visible image at every shift."""
    surfaces, coverage = [], 0.0
    for index in range(len(views.visible)):
        visible, infrared, mask, _, _ = described_level(views, index, matrix, _SIDE)
        surface, overlap = masked_correlation(infrared, visible, mask, 0.5 * float(mask.sum()))
        surfaces.append(surface * np.sqrt(overlap.clip(0) / mask.size))
        coverage += float(mask.mean()) / len(views.visible)
        allowed = overlap > 0.5 * mask.sum()
    correlation = np.mean(surfaces, axis=0)
    height, width = mask.shape
    rows, columns = np.indices(correlation.shape)
    distance = np.hypot(rows - (height - 1), columns - (width - 1))
    wrong = correlation[allowed & (distance > _FAR)]
    own = float(correlation[distance <= _NEAR].max())
    spread = float(wrong.std()) + 1e-9
    centre = float(wrong.mean())
    return Peak((own - centre) / spread, (own - centre) / max(float(wrong.max()) - centre, 1e-9), coverage)


def loose_quarters(views: Views, matrix: Matrix) -> int:
    """Return how many quarters of the common field do not say where they belong.

    Four places determine a homography. A quarter in fog or glare determines nothing: it matches better at some other
    shift than at none. There the estimate is extrapolated from the other quarters.
    """
    surfaces: list[list[NDArray[np.float32]]] = []
    for index in range(len(views.visible)):
        visible, infrared, mask, _, _ = described_level(views, index, matrix, _SIDE)
        padded = np.pad(infrared, ((0, 0), (_FAR, _FAR), (_FAR, _FAR)))
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if min(len(rows), len(columns)) < 2:
            return 4
        bounds = [(rows[0], (rows[0] + rows[-1] + 1) // 2, rows[-1] + 1)]
        bounds += [(columns[0], (columns[0] + columns[-1] + 1) // 2, columns[-1] + 1)]
        (top, middle, bottom), (left, centre, right) = bounds
        quarters = [(y, x) for y in ((top, middle), (middle, bottom)) for x in ((left, centre), (centre, right))]
        surfaces.append([_shifts(visible, padded, *y, *x) for y, x in quarters])
    loose = 0
    for surface in np.sum(surfaces, axis=0):
        row, column = np.unravel_index(int(surface.argmax()), surface.shape)
        loose += bool(np.hypot(row - _FAR, column - _FAR) > _NEAR)
    return loose


def _shifts(visible: Features, padded: Features, top: int, bottom: int, left: int, right: int) -> NDArray[np.float32]:
    """Correlate a rectangle of the visible features with the infrared ones at every shift of up to ``_FAR`` pixels.

    ``padded``: the infrared features with a border of ``_FAR`` pixels.
    """
    window = np.s_[top : bottom + 2 * _FAR, left : right + 2 * _FAR]
    channels = [
        cv2.matchTemplate(there[window], here[top:bottom, left:right], cv2.TM_CCORR)
        for here, there in zip(visible, padded, strict=True)
    ]
    total: NDArray[np.float32] = np.sum(channels, axis=0, dtype=np.float32)
    return total


def disagreement(views: Views, blocks: Blocks, matrix: Matrix, deviation: Coordinates) -> float:
    """Return how far estimates from disjoint halves of the blocks lie apart: RMS corner distance, visible pixels.

    Infinite where the grid is too small to be split.

    Args:
        views: the pairs.
        blocks: surfaces around ``matrix``.
        matrix: the estimate, infrared to visible, reduced pixels.
        deviation: its coordinates.
    """
    height, width = views.visible_size
    column, row = blocks.column // _TILE, blocks.row // _TILE
    squares = []
    for parity in (column + row, column, row, column + row // 2):
        half = (parity % 2).astype(bool)
        if half.all() or not half.any():
            continue
        one, other = (
            apply_move(blocks, climb(blocks, deviation, side.astype(np.float64), np.zeros(8))) for side in (half, ~half)
        )
        squares.append(corner_error(one, other, height, width) ** 2)
    return float(np.sqrt(np.mean(squares))) if squares else float("inf")
