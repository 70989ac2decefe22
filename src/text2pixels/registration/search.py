"""Global search: which scale, place and rotation of the infrared frame could be right at all.

Normalised cross-correlation of the descriptors under masks (Padfield, "Masked object registration in
the Fourier domain", IEEE TIP 2012), for every scale of a broad range. Nothing is assumed of the
cameras but that the smaller field of view lies at least half within the larger.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.descriptors import Features, describe
from text2pixels.registration.frames import Matrix, corner_error, inverse, scaling, shrink
from text2pixels.registration.pairs import Views

SIDE = 192  # pixels, longest side of the infrared in the search
SPANS = 0.4 * 1.04 ** np.arange(42)  # visible frame's longest side, in longest sides of the infrared: 0.4 to 2
LOCALITY = 6.0  # pixels
SMALLEST_OVERLAP = 0.5  # of the smaller frame
PEAKS = 3  # kept per scale
DISTINCT = 0.05  # corner distance, share of the visible diagonal, from which transforms are two


@dataclass(frozen=True)
class Hypothesis:
    """A similarity, infrared to visible (reduced pixels), and its score."""

    score: float
    matrix: Matrix


def hypotheses(views: Views, degrees: tuple[float, ...] = (0.0,), count: int = 6) -> list[Hypothesis]:
    """Return the best distinct hypotheses, best first, over all scales and the given rotations."""
    found: list[Hypothesis] = []
    for angle in degrees:
        for span in SPANS:
            found += _at_scale(views, float(span), angle)
    found.sort(key=lambda hypothesis: -hypothesis.score)
    distinct: list[Hypothesis] = []
    for hypothesis in found:
        if all(are_distinct(hypothesis.matrix, other.matrix, views) for other in distinct):
            distinct.append(hypothesis)
        if len(distinct) == count:
            break
    return distinct


def are_distinct(one: Matrix, other: Matrix, views: Views) -> bool:
    """Tell whether two transforms are more than a step of the search apart."""
    height, width = views.visible_size
    return corner_error(one, other, height, width) > DISTINCT * float(np.hypot(height, width))


def masked_correlation(
    fixed: Features, moving: Features, mask: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slide ``moving`` (C, h, w) over ``fixed`` (C, H, W), which counts where ``mask`` (H, W) is 1.

    Returns:
        Normalised cross-correlation and overlap in pixels, both (H + h - 1, W + w - 1); element (i, j)
        puts the origin of ``moving`` at row i - (h - 1) and column j - (w - 1) of ``fixed``.
    """
    fixed = fixed * mask
    shape = (fixed.shape[1] + moving.shape[1] - 1, fixed.shape[2] + moving.shape[2] - 1)
    padded = tuple(cv2.getOptimalDFTSize(side) for side in shape)
    flipped = moving[:, ::-1, ::-1]
    ones = np.ones(moving.shape[1:], np.float32)
    weight, field = np.fft.rfft2(mask, padded), np.fft.rfft2(ones, padded)
    fixed_energy = np.fft.rfft2(np.einsum("chw,chw->hw", fixed, fixed), padded)
    moving_energy = np.fft.rfft2(np.einsum("chw,chw->hw", flipped, flipped), padded)
    product = (np.fft.rfft2(fixed, padded) * np.fft.rfft2(flipped, padded)).sum(axis=0)

    def back(spectrum: NDArray[np.complexfloating]) -> NDArray[np.float32]:
        surface = np.fft.irfft2(spectrum, padded)[: shape[0], : shape[1]]
        return surface.astype(np.float32, copy=False)

    energy = np.maximum(back(fixed_energy * field), 1e-3) * np.maximum(back(weight * moving_energy), 1e-3)
    return back(product) / np.sqrt(energy), back(weight * field)


def _at_scale(views: Views, span: float, angle: float) -> list[Hypothesis]:
    # Whichever frame is larger sets the size, so that every scale costs about the same.
    factor = min(1.0, SIDE * min(1.0, 1 / span) / max(views.infrared_size))
    infrared = [shrink(image, factor) for image in views.infrared]
    visible_side = span * factor * max(views.infrared_size)
    if visible_side > max(views.visible_size):
        return []  # this would enlarge the visible image
    visible = [shrink(image, visible_side / max(views.visible_size)) for image in views.visible]
    height, width = infrared[0].shape
    turn = np.vstack([cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0), [0, 0, 1]])
    mask = cv2.warpPerspective(np.ones((height, width), np.float32), turn, (width, height))
    mask = (mask > 0.99).astype(np.float32)
    scores = []
    for thermal, scene in zip(infrared, visible, strict=True):
        turned = (
            cv2.warpPerspective(thermal, turn, (width, height), borderMode=cv2.BORDER_REPLICATE) if angle else thermal
        )
        correlation, overlap = masked_correlation(
            describe(turned, LOCALITY, fine=True), describe(scene, LOCALITY, fine=True), mask
        )
        # Chance correlation falls with the square root of the overlap.
        significance = correlation * np.sqrt(np.maximum(overlap, 1) / SIDE**2)
        significance[overlap < SMALLEST_OVERLAP * min(mask.sum(), scene.size)] = -1
        scores.append(significance)
    score = np.mean(scores, axis=0)
    from_infrared = turn @ scaling(views.infrared_size, (height, width))
    to_visible = inverse(scaling(views.visible_size, (visible[0].shape[0], visible[0].shape[1])))
    found = []
    for _ in range(PEAKS):
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        y, x = float(row) - (visible[0].shape[0] - 1), float(column) - (visible[0].shape[1] - 1)
        shift = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
        found.append(Hypothesis(float(score[row, column]), to_visible @ shift @ from_infrared))
        score[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7] = -1
    return found
