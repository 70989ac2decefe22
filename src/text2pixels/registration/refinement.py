"""From a rough transform to a homography: maximum a posteriori over the blocks' similarity surfaces.

All blocks move together under one small homography whose eight coordinates are (tx, ty, scale,
rotation, stretch, shear, perspective x, perspective y), in units of half the level's diagonal. Stretch, shear and
perspective, in which two cameras side by side hardly differ, have a zero-mean normal prior: where the scene gives
no evidence, the answer stays close to a similarity instead of bending.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.blocks import Blocks, match_blocks
from text2pixels.registration.frames import Matrix, inverse, is_sane, normalised
from text2pixels.registration.pairs import Views

Coordinates = NDArray[np.float64]

# The data term is the mean similarity of the blocks times this: as a mean it does not depend on the grid's pitch.
_EVIDENCE = 700.0
# Inverse variance of the prior: a stretch of 1 % costs as much as 0.0007 of mean similarity.
_PRIOR = 1e4 * np.array([0, 0, 0, 0.3, 1, 1, 1, 1])
_STEPS = 40


def refine(
    views: Views,
    matrix: Matrix,
    deviation: Coordinates,
    levels: Sequence[tuple[int, int, int]],
) -> tuple[Matrix, Coordinates, Blocks]:
    """Improve a transform level by level.

    Args:
        views: the pairs.
        matrix: infrared to visible, reduced pixels.
        deviation: the coordinates found so far, which tell how far ``matrix`` already departs from a similarity.
        levels: (side, radius, cell) of each level; see `match_blocks`.

    Returns:
        The transform, its deviation, and the blocks of the last level, around the transform that it started from.
    """
    for side, radius, cell in levels:
        blocks = match_blocks(views, matrix, side, radius, cell)
        move = climb(blocks, deviation)
        moved = apply_move(blocks, move)
        if not is_sane(moved, *views.infrared_size):
            break
        matrix, deviation = moved, deviation + move
    return matrix, deviation, blocks


def climb(
    blocks: Blocks,
    deviation: Coordinates,
    weight: NDArray[np.float64] | None = None,
    start: Coordinates | None = None,
) -> Coordinates:
    """Return the coordinates that maximise the blocks' similarity plus the log prior.

    Newton steps, damped after Levenberg, with the gradients and curvatures of the surfaces. The surfaces are blurred
    much at first and less in each round, so that a start far from the maximum still reaches it.

    Args:
        blocks: the surfaces.
        deviation: coordinates already applied; the prior is on their sum with the new ones.
        weight: (B,) relative weight of the blocks, all alike by default.
        start: where to begin; then only the last, least blurred round is run.
    """
    count = len(blocks.x)
    weight = np.ones(count) if weight is None else weight
    weight = weight / weight.sum() * _EVIDENCE
    to_x, to_y = _displacements(blocks)
    scale = (weight[:, None] * (to_x**2 + to_y**2)).sum(axis=0)
    radius = blocks.surfaces.shape[0] // 2
    move = np.zeros(8) if start is None else start
    for blur in (radius / 3, radius / 6, 0.5) if start is None else (0.5,):
        surface = _Surface(_along_both(gaussian_matrix(len(blocks.surfaces), blur), blocks.surfaces))
        damping = 1e-3
        for _ in range(_STEPS):
            total = deviation + move
            similarity, gradient, curvature = surface.derivatives(to_x @ move, to_y @ move)
            value = float(weight @ similarity - 0.5 * _PRIOR @ total**2)
            slope = (weight * gradient[0]) @ to_x + (weight * gradient[1]) @ to_y - _PRIOR * total
            xx, yy, xy = (weight * part for part in _convex(curvature))
            cross = (to_x * xy[:, None]).T @ to_y
            hessian = (to_x * xx[:, None]).T @ to_x + (to_y * yy[:, None]).T @ to_y + cross + cross.T + np.diag(_PRIOR)
            for _ in range(8):
                step = np.linalg.solve(hessian + damping * np.diag(scale), slope)
                ahead = move + step
                better = weight @ surface.value(to_x @ ahead, to_y @ ahead) - 0.5 * _PRIOR @ (deviation + ahead) ** 2
                if better > value:
                    break
                damping = max(5 * damping, 1e-4)
            else:
                break
            move, damping = ahead, damping / 5
            if better - value < 1e-6 * abs(value):
                break
    return move


def apply_move(blocks: Blocks, move: Coordinates) -> Matrix:
    """Return the infrared-to-visible matrix (reduced pixels) after a move found on ``blocks``."""
    half = 0.5 * np.hypot(blocks.height, blocks.width)
    x, y = (blocks.width - 1) / 2, (blocks.height - 1) / 2
    normalise = np.array([[1 / half, 0, -x / half], [0, 1 / half, -y / half], [0, 0, 1]])
    tx, ty, scale, turn, stretch, shear, px, py = move
    small = np.array([[1 + scale + stretch, shear - turn, tx], [shear + turn, 1 + scale - stretch, ty], [-px, -py, 1]])
    # ``small`` takes each visible pixel to its match in the warped infrared. To bring the match onto the visible pixel,
    # the infrared is warped by the inverse.
    back = inverse(normalise) @ inverse(small) @ normalise
    return normalised(inverse(blocks.to_level) @ back @ blocks.matrix)


def _displacements(blocks: Blocks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return d(displacement)/d(coordinates) of each block centre in x and y, pixels, (B, 8) each."""
    half = 0.5 * np.hypot(blocks.height, blocks.width)
    x, y = (blocks.x - (blocks.width - 1) / 2) / half, (blocks.y - (blocks.height - 1) / 2) / half
    zero, one = np.zeros_like(x), np.ones_like(x)
    in_x = np.stack([one, zero, x, -y, x, y, x * x, x * y], axis=1)
    in_y = np.stack([zero, one, y, x, -y, x, x * y, y * y], axis=1)
    return half * in_x, half * in_y


def _convex(
    curvature: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return minus the curvatures (xx, yy, xy) with negative eigenvalues set to 0, block by block."""
    xx, yy, xy = (-part for part in curvature)
    mean, split = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2) + 1e-12
    large, small = np.maximum(mean + split, 0), np.maximum(mean - split, 0)
    centre, spread = (large + small) / 2, (large - small) / 2
    cosine, sine = (xx - yy) / 2 / split, xy / split
    return centre + cosine * spread, centre - cosine * spread, sine * spread


@cache
def gaussian_matrix(side: int, deviation: float) -> NDArray[np.float64]:
    """Return the (side, side) matrix of a Gaussian blur to 4 deviations; beyond the ends the last value holds."""
    reach = int(4 * deviation + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    rows = np.arange(side)[:, None]
    matrix = np.zeros((side, side))
    np.add.at(matrix, (rows, np.clip(rows + offsets, 0, side - 1)), weights / weights.sum())
    return matrix


@cache
def spline_matrix(side: int) -> NDArray[np.float64]:
    """Return the (side, side) matrix from values to coefficients of the cubic B-spline through them, ends mirrored.

    The value at a knot is (c[i - 1] + 4 c[i] + c[i + 1]) / 6.
    """
    matrix: NDArray[np.float64] = (4 * np.eye(side) + np.eye(side, k=1) + np.eye(side, k=-1)) / 6
    matrix[0, 1] = matrix[-1, -2] = 2 / 6
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _along_both(matrix: NDArray[np.float64], surfaces: NDArray[np.floating]) -> NDArray[np.float64]:
    """Apply a matrix to the first and to the second axis of surfaces (S, S, B)."""
    applied: NDArray[np.float64] = np.einsum("ij,kl,jlb->ikb", matrix, matrix, surfaces, optimize=True)
    return applied


class _Surface:
    """Cubic B-spline interpolation of (2r + 1, 2r + 1, B) surfaces, one displacement for each block."""

    def __init__(self, values: NDArray[np.floating]) -> None:
        self._side = values.shape[0]
        coefficients = _along_both(spline_matrix(self._side), values)
        self._coefficients = np.pad(coefficients, ((1, 2), (1, 2), (0, 0)), mode="reflect").transpose(2, 0, 1)
        self._block = np.arange(values.shape[2])[:, None, None]

    def value(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        taps, along_x, along_y, _ = self._taps(x, y)
        return _sum(along_y[0], taps, along_x[0])

    def derivatives(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[
        NDArray[np.float64],
        tuple[NDArray[np.float64], NDArray[np.float64]],
        tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    ]:
        """Return value, gradient (x, y) and curvature (xx, yy, xy); gradient and curvature are 0 beyond the surface."""
        taps, (wx, dx, ex), (wy, dy, ey), inside = self._taps(x, y)
        gradient = (inside * _sum(wy, taps, dx), inside * _sum(dy, taps, wx))
        curvature = (inside * _sum(wy, taps, ex), inside * _sum(ey, taps, wx), inside * _sum(dy, taps, dx))
        return _sum(wy, taps, wx), gradient, curvature

    def _taps(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[
        NDArray[np.float64], tuple[NDArray[np.float64], ...], tuple[NDArray[np.float64], ...], NDArray[np.bool_]
    ]:
        u, v = x + self._side // 2, y + self._side // 2
        last = self._side - 1
        inside = (u > 0) & (u < last) & (v > 0) & (v < last)
        u, v = np.clip(u, 0, last - 1e-6), np.clip(v, 0, last - 1e-6)
        column, row = u.astype(np.intp), v.astype(np.intp)
        reach = np.arange(4)
        taps = self._coefficients[
            self._block, (row[:, None] + reach)[:, :, None], (column[:, None] + reach)[:, None, :]
        ]
        return taps.astype(np.float64), _spline(u - column), _spline(v - row), inside


def _sum(along_y: NDArray[np.float64], taps: NDArray[np.float64], along_x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.einsum("bi,bij,bj->b", along_y, taps, along_x)
    return result


def _spline(t: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return the four weights (B, 4) of a cubic B-spline at t in [0, 1), and their two derivatives."""
    weights = np.stack([(1 - t) ** 3 / 6, t**3 / 2 - t**2 + 2 / 3, (-(t**3) + t**2 + t + 1 / 3) / 2, t**3 / 6], axis=1)
    first = np.stack([-((1 - t) ** 2) / 2, 1.5 * t**2 - 2 * t, -1.5 * t**2 + t + 0.5, t**2 / 2], axis=1)
    second = np.stack([1 - t, 3 * t - 2, 1 - 3 * t, t], axis=1)
    return weights, first, second
