"""How well each block of the visible frame matches the warped infrared at every small displacement.

The whole similarity surface of a block is kept, not only its peak: a block on an edge tells the displacement
across the edge but not along it, and only the surface shows that.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.descriptors import Features, describe
from text2pixels.registration.frames import Matrix, inverse, local_scale, scaling, shrink, without_aliasing
from text2pixels.registration.pairs import Views

_LOCALITY = 1 / 32  # of the level's side
# The correlation that a block without common structure reaches by chance. Below it, evidence grows with the square of
# the correlation, like the logarithm of a Gaussian likelihood; above it, linearly, so that one near object does not
# outvote the rest.
_CHANCE = 0.1
_ENERGY_FLOOR = 4e-4  # a block without texture in either image matches nothing


@dataclass(frozen=True)
class Blocks:
    """Similarity surfaces around a transform.

    Attributes:
        surfaces: (2r + 1, 2r + 1, B), evidence in [0, 1): normalised cross-correlation, in which values below chance
            and negative ones are pressed towards 0; axis 0 is the displacement in y.
        x, y: (B,) centres, pixels of the level.
        column, row: (B,) place in the grid.
        matrix: infrared (reduced) to level pixels, as warped.
        to_level: visible (reduced) to level pixels.
        height, width: of the level, pixels.
    """

    surfaces: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    matrix: Matrix
    to_level: Matrix
    height: int
    width: int


def described_level(
    views: Views, index: int, matrix: Matrix, side: int
) -> tuple[Features, Features, NDArray[np.float32], Matrix, Matrix]:
    """Describe a visible image and the infrared one warped onto it, at about the infrared's resolution.

    Args:
        views: the pairs.
        index: of the pair to describe.
        matrix: infrared to visible, reduced pixels.
        side: longest side of the infrared that the resolution corresponds to.

    Returns:
        visible and infrared features (C, h, w), mask of valid infrared (h, w), infrared-to-level and
        visible-to-level matrices.
    """
    side = min(side, max(views.infrared_size))
    per_visible = local_scale(inverse(matrix), *views.visible_size) * side / max(views.infrared_size)
    limit = 1.6 * side / max(views.visible_size)  # where the visible field is much the larger
    visible = shrink(views.visible[index], min(1.0, per_visible, limit))
    height, width = visible.shape
    to_level = scaling(views.visible_size, (height, width))
    warp = to_level @ matrix
    infrared = without_aliasing(views.infrared[index], local_scale(warp, *views.infrared_size))
    warped = cv2.warpPerspective(infrared, warp, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(np.ones(infrared.shape, np.uint8), warp, (width, height), flags=cv2.INTER_NEAREST)
    mask = cv2.erode(mask, np.ones((7, 7), np.uint8), borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    locality = max(3.0, _LOCALITY * side)
    return describe(visible, locality), describe(warped, locality) * mask, mask, warp, to_level


def match_blocks(views: Views, matrix: Matrix, side: int, radius: int, cell: int) -> Blocks:
    """Return the surfaces, averaged over the pairs, for displacements up to ``radius`` pixels of the level.

    ``cell`` is the distance of block centres; a block weighs a neighbourhood of about two cells.
    """
    total: NDArray[np.float32] | None = None
    for index in range(len(views.visible)):
        visible, infrared, _, warp, to_level = described_level(views, index, matrix, side)
        height, width = visible.shape[1:]
        rows, columns = max(2, round(height / cell)), max(2, round(width / cell))
        padded = np.pad(infrared, ((0, 0), (radius, radius), (radius, radius)))
        down, across = _pooling(height, rows), _pooling(width, columns).T
        visible_energy = down @ np.einsum("chw,chw->hw", visible, visible) @ across
        infrared_energy = _at_every_shift(np.einsum("chw,chw->hw", padded, padded), down, across, radius)
        surfaces = np.empty((2 * radius + 1, 2 * radius + 1, rows, columns), np.float32)
        for i in range(2 * radius + 1):
            for j in range(2 * radius + 1):
                shifted = padded[:, i : i + height, j : j + width]
                product = down @ np.einsum("chw,chw->hw", visible, shifted) @ across
                surfaces[i, j] = product / np.sqrt(visible_energy * infrared_energy[i, j] + _ENERGY_FLOOR)
        surfaces = np.hypot(np.maximum(surfaces, 0), np.float32(_CHANCE)) - np.float32(_CHANCE)
        total = surfaces if total is None else total + surfaces
    assert total is not None
    row, column = np.divmod(np.arange(rows * columns), columns)
    return Blocks(
        surfaces=total.reshape(*total.shape[:2], -1) / np.float32(len(views.visible)),
        x=(column + 0.5) * width / columns - 0.5,
        y=(row + 0.5) * height / rows - 0.5,
        column=column,
        row=row,
        matrix=warp,
        to_level=to_level,
        height=height,
        width=width,
    )


@cache
def _pooling(pixels: int, cells: int) -> NDArray[np.float32]:
    """Return the matrix (cells, pixels) from pixels to means over equal cells, neighbouring cells blurred a little."""
    edges = np.arange(cells + 1) * (pixels / cells)
    pixel = np.arange(pixels)
    covered = np.minimum(pixel + 1, edges[1:, None]) - np.maximum(pixel, edges[:-1, None])
    means = covered.clip(0) * (cells / pixels)
    side, middle, _ = cv2.getGaussianKernel(3, 0.7)[:, 0]
    beyond = np.pad(means, ((1, 1), (0, 0)), mode="edge")
    return np.asarray(side * (beyond[:-2] + beyond[2:]) + middle * means, dtype=np.float32)


def _at_every_shift(
    padded: NDArray[np.float32], down: NDArray[np.float32], across: NDArray[np.float32], radius: int
) -> NDArray[np.float32]:
    """Pool values (H + 2r, W + 2r) from each place of a window (H, W): (2r + 1, 2r + 1, rows, columns)."""
    shifts = range(2 * radius + 1)
    tall = np.concatenate([np.pad(down, ((0, 0), (i, 2 * radius - i))) for i in shifts])
    wide = np.concatenate([np.pad(across, ((i, 2 * radius - i), (0, 0))) for i in shifts], axis=1)
    pooled: NDArray[np.float32] = (tall @ padded @ wide).reshape(len(shifts), len(down), len(shifts), -1)
    return pooled.transpose(0, 2, 1, 3)
