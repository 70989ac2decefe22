"""Global search for the scales and places of the infrared frame that could be right.

Normalised cross-correlation of the descriptors under masks (Padfield, "Masked object registration in
the Fourier domain", IEEE TIP 2012), for every scale of a broad range. Two things are assumed of the cameras: the
smaller field of view lies at least half within the larger, and neither camera is turned about its axis by much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.descriptors import Features, describe
from text2pixels.registration.frames import Image8, Matrix, corner_error, inverse, scaling, shrink
from text2pixels.registration.pairs import Views

SIDE = 192  # pixels, longest side of the infrared in the search
SPANS = 0.4 * 1.04 ** np.arange(42)  # visible frame's longest side, in longest sides of the infrared: 0.4 to 2
LOCALITY = 6.0  # pixels
SMALLEST_OVERLAP = 0.5  # of the smaller frame
PEAKS = 3  # kept per scale
_KEPT = 6  # hypotheses in all
_MANY = 6  # times ``SIDE``: images from this size on are halved once before the search
DISTINCT = 0.05  # share of the visible diagonal: transforms whose corners differ by more are different hypotheses


@dataclass(frozen=True)
class Hypothesis:
    """A similarity, infrared to visible (reduced pixels), and its score."""

    score: float
    matrix: Matrix


def hypotheses(views: Views) -> list[Hypothesis]:
    """Return the best distinct hypotheses over all scales, best first."""
    found: list[Hypothesis] = []
    halved = _halve(views.infrared), _halve(views.visible)
    described = lru_cache(maxsize=2)(partial(_described, *halved))  # neighbouring scales share one camera's images
    for span in SPANS:
        found += _at_scale(views, float(span), described)
    found.sort(key=lambda hypothesis: -hypothesis.score)
    distinct: list[Hypothesis] = []
    for hypothesis in found:
        if all(are_distinct(hypothesis.matrix, other.matrix, views) for other in distinct):
            distinct.append(hypothesis)
        if len(distinct) == _KEPT:
            break
    return distinct


def are_distinct(one: Matrix, other: Matrix, views: Views) -> bool:
    """Tell whether two transforms are more than a step of the search apart."""
    height, width = views.visible_size
    return corner_error(one, other, height, width) > DISTINCT * float(np.hypot(height, width))


def masked_correlation(
    fixed: Features, moving: Features, mask: NDArray[np.float32], least: float = 1
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slide ``moving`` (C, h, w) over ``fixed`` (C, H, W), of which only pixels with a ``mask`` (H, W) of 1 count.

    Args:
        fixed: features.
        moving: features.
        mask: of ``fixed``.
        least: pixels of overlap that a shift needs to be computed; the more it needs, the faster this is.

    Returns:
        Normalised cross-correlation and overlap in pixels, both (H + h - 1, W + w - 1); element (i, j)
        puts the origin of ``moving`` at row i - (h - 1) and column j - (w - 1) of ``fixed``. Both are 0 where
        the frames overlap by less than ``least``.
    """
    fixed = fixed * mask
    shape = (fixed.shape[1] + moving.shape[1] - 1, fixed.shape[2] + moving.shape[2] - 1)
    # Shifts with an overlap below ``least`` are not needed. So the Fourier transform may be smaller than the full
    # correlation by as many rows and columns: only shifts that are not needed wrap around in it.
    rows, columns = (max(1, int(least // min(fixed.shape[axis], moving.shape[axis]))) for axis in (2, 1))
    padded = cv2.getOptimalDFTSize(shape[0] + 1 - rows), cv2.getOptimalDFTSize(shape[1] + 1 - columns)
    counting = np.s_[rows - 1 : shape[0] + 1 - rows, columns - 1 : shape[1] + 1 - columns]
    flipped = moving[:, ::-1, ::-1]

    def spectrum(image: NDArray[np.float32]) -> NDArray[np.float32]:
        # OpenCV's transform of real numbers takes a tenth of numpy's time.
        wide = np.zeros(padded, np.float32)
        wide[: image.shape[0], : image.shape[1]] = image
        packed: NDArray[np.float32] = cv2.dft(wide, nonzeroRows=image.shape[0])
        return packed

    def convolved(*pairs: tuple[NDArray[np.float32], NDArray[np.float32]]) -> NDArray[np.float32]:
        total = sum(cv2.mulSpectrums(one, other, 0) for one, other in pairs)
        back = cv2.idft(total, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
        surface = np.zeros(shape, np.float32)
        surface[counting] = back[counting]
        return surface

    weight, field = spectrum(mask), spectrum(np.ones(moving.shape[1:], np.float32))
    fixed_energy = convolved((spectrum(np.einsum("chw,chw->hw", fixed, fixed)), field))
    moving_energy = convolved((weight, spectrum(np.einsum("chw,chw->hw", flipped, flipped))))
    product = convolved(*((spectrum(one), spectrum(other)) for one, other in zip(fixed, flipped, strict=True)))
    energy = np.maximum(fixed_energy, 1e-3) * np.maximum(moving_energy, 1e-3)
    return product / np.sqrt(energy), convolved((weight, field))


class _Side(NamedTuple):
    """The pairs' images of one camera at one size, described: (C, h, w) each."""

    features: tuple[Features, ...]

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.features[0].shape[1:]
        return height, width


def _halve(images: tuple[Image8, ...]) -> list[Image8]:
    """Halve images much larger than the search needs, because they are reduced anew for every scale."""
    return [shrink(image, 0.5) if max(image.shape) >= _MANY * SIDE else image for image in images]


def _described(infrared: Sequence[Image8], visible: Sequence[Image8], is_infrared: bool, side: int) -> _Side:
    """Reduce and describe the images of one camera."""
    originals = infrared if is_infrared else visible
    images = [shrink(image, min(1.0, side / max(image.shape))) for image in originals]
    return _Side(tuple(describe(image, LOCALITY, fine=True) for image in images))


def _at_scale(views: Views, span: float, described: Callable[[bool, int], _Side]) -> list[Hypothesis]:
    # The larger frame is brought to ``SIDE``, so that every scale costs about the same.
    factor = min(1.0, SIDE * min(1.0, 1 / span) / max(views.infrared_size))
    visible_side = span * factor * max(views.infrared_size)
    if visible_side > max(views.visible_size):
        return []  # this would enlarge the visible image
    thermal, scene = described(True, round(factor * max(views.infrared_size))), described(False, round(visible_side))
    mask = np.ones(thermal.size, np.float32)
    least = SMALLEST_OVERLAP * min(float(mask.sum()), scene.size[0] * scene.size[1])
    scores = []
    for moving, fixed in zip(scene.features, thermal.features, strict=True):
        correlation, overlap = masked_correlation(fixed, moving, mask, least)
        # The correlation of unrelated images falls with the square root of the overlap.
        significance = correlation * np.sqrt(np.maximum(overlap, 1) / SIDE**2)
        significance[overlap < least] = -1
        scores.append(significance)
    score = np.mean(scores, axis=0)
    from_infrared = scaling(views.infrared_size, thermal.size)
    to_visible = inverse(scaling(views.visible_size, scene.size))
    found = []
    for _ in range(PEAKS):
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        y, x = float(row) - (scene.size[0] - 1), float(column) - (scene.size[1] - 1)
        shift = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
        found.append(Hypothesis(float(score[row, column]), to_visible @ shift @ from_infrared))
        score[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7] = -1
    return found
