"""How well edges of the sources survive: Qabf, Nabf."""

import math
from dataclasses import dataclass, replace

import numpy as np

from text2pixels.metrics.metric import SOURCES, Image, Metric, Name, Triple
from text2pixels.metrics.windows import Border, separable

_SMOOTH = np.array([1.0, 2, 1])
_DIFFERENCE = np.array([-1.0, 0, 1])


@dataclass(frozen=True)
class Edges:
    """Strength and orientation (-pi/2..pi/2 radian) of the Sobel gradient, (H, W)."""

    strength: Image
    angle: Image


def sobel(image_HW: Image, border: Border) -> tuple[Image, Image]:
    """Return the horizontal and the vertical derivative."""
    across = separable(image_HW, _SMOOTH, _DIFFERENCE, border)
    down = separable(image_HW, _DIFFERENCE, _SMOOTH, border)
    return across, down


def edges_zero(image_HW: Image) -> Edges:
    """Return the edges of an image that is continued by zeros."""
    gx, gy = sobel(image_HW, "zero")
    # The y axis points up, as in known code: it decides on which side of 90 degrees gx = 0 falls.
    angle = np.arctan(-gy / gx)
    angle[gx == 0] = math.pi / 2
    return Edges(np.sqrt(np.square(gx) + np.square(gy)), angle)


def edges_mirror(image_HW: Image) -> Edges:
    """Return the edges of a mirrored image, per pixel (the kernel divided by 8), zero angle where flat.

    The angle is that of the edge, not of the gradient: a quarter turn away.
    """
    gx, gy = sobel(image_HW, "mirror")
    angle = np.arctan(gx / gy)
    angle[(gx == 0) & (gy == 0)] = 0
    return Edges(np.sqrt(np.square(gx) + np.square(gy)) / 8, angle)


def _qabf(triple: Triple) -> float:
    return _edge_transfer(triple, equal=1.0)


def _qabf_stretched(triple: Triple) -> float:
    return _edge_transfer(triple, equal=None)


def _edge_transfer(triple: Triple, equal: float | None) -> float:
    """Return Qabf; ``equal`` is the relative strength of equal edges, None for the strength itself."""
    fused = triple.once(edges_zero, "fused")
    numerator = denominator = np.float64(0)
    for name in SOURCES:
        source = triple.once(edges_zero, name)
        ratio = _ratio(source.strength, fused.strength)
        same = source.strength == fused.strength
        ratio[same] = fused.strength[same] if equal is None else equal
        alignment = 1 - np.abs(source.angle - fused.angle) / (math.pi / 2)
        kept = _sigmoid(ratio, 0.9994, 15, 0.5) * _sigmoid(alignment, 0.9879, 22, 0.8)
        numerator += (kept * source.strength).sum()
        denominator += source.strength.sum()
    return numerator / denominator


def _nabf(triple: Triple) -> float:
    fused = triple.once(edges_mirror, "fused")
    infrared, visible = (triple.once(edges_mirror, name) for name in SOURCES)
    stronger = (fused.strength > infrared.strength) & (fused.strength > visible.strength)
    lost = weight_sum = np.float64(0)
    for name in SOURCES:
        weight, kept = _kumar(triple, name)
        lost += (stronger * (1 - kept) * weight).sum()
        weight_sum += weight.sum()
    return lost / weight_sum


def _kumar(triple: Triple, name: Name) -> tuple[Image, Image]:
    """Return the perceptual weight of a source's edges and how far the fused image keeps them."""
    source, fused = triple.once(edges_mirror, name), triple.once(edges_mirror, "fused")
    alignment = np.abs(np.abs(source.angle - fused.angle) - math.pi / 2) * 2 / math.pi
    ratio = _ratio(source.strength, fused.strength)
    kept = np.sqrt(_sigmoid(ratio, 0.9999, 19, 0.5) * _sigmoid(alignment, 0.9995, 22, 0.5))
    return np.where(source.strength >= 2, source.strength**1.5, 0.001), kept


def _ratio(first: Image, second: Image) -> Image:
    """Return the weaker over the stronger, 0 where both are 0."""
    return np.minimum(first, second) / np.maximum(np.maximum(first, second), 1e-12)


def _sigmoid(x: Image, top: float, slope: float, centre: float) -> Image:
    return top / (1 + np.exp(-slope * (x - centre)))


QABF = Metric(
    name="Qabf",
    title="Edge information transferred",
    direction="higher",
    low=0,
    high=1,
    unit="1",
    formula=r"\frac{\sum (Q^{AF} g_A + Q^{BF} g_B)}{\sum (g_A + g_B)}, \quad Q^{XF} = Q_g^{XF} Q_\alpha^{XF}",
    reference="Xydeas, Petrović: Objective image fusion performance measure. Electron. Lett. 36(4), 2000",
    function=_qabf,
    undefined="both sources are black",
    notes="Sobel with zeros outside the image, as every known code has it: the frame counts as an edge. "
    "Gamma_g .9994, kappa_g -15, sigma_g .5; Gamma_alpha .9879, kappa_alpha -22, sigma_alpha .8. "
    "Orientations of 90 and -90 degrees count as opposite, as in the paper.",
)

QABF_STRETCHED = replace(
    QABF,
    function=_qabf_stretched,
    notes="Where g_A = g_F the relative strength is g_F instead of 1: up to 6e-4 higher.",
)

NABF = Metric(
    name="Nabf",
    title="Fusion artefacts",
    direction="lower",
    low=0,
    high=1,
    unit="1",
    formula=r"\frac{\sum_{g_F > g_A, g_F > g_B} ((1 - Q^{AF}) w_A + (1 - Q^{BF}) w_B)}{\sum (w_A + w_B)}",
    reference="Shreyamsha Kumar: Multifocus and multispectral image fusion based on pixel significance using discrete "
    "cosine harmonic wavelet transform. Signal Image Video Process. 7, 2013; after Petrović, Xydeas, ICCV 2005",
    function=_nabf,
    notes="Sobel / 8 on mirrored images, w = g^1.5 where g >= 2, otherwise .001, as in the author's code; a "
    "Python port of it in circulation takes 0 for .001.",
)

METRICS = (QABF, NABF)
