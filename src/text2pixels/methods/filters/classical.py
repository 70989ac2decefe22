"""Filters of a few lines: the sources themselves, rules for each pixel, and rules for each band of detail.

All take infrared and luminance, both (H, W) float32 in 0..255, and return an image on that scale, not clipped.

Shapes: H, W image.
"""

import cv2
import numpy as np

from text2pixels.extras import require
from text2pixels.methods.method import Float

_PYRAMID_LEVELS = 5  # bands at most
_SMALLEST = 8  # pixels, shorter side of the lowest band
_WAVELET, _WAVELET_LEVELS = "db2", 4
_MEAN = 35  # pixels, side of the mean filter that TSIFVS takes for the base
_MEDIAN = 3  # pixels, side of its median filter


def take_infrared(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the infrared image: a floor that a fusion method has to beat."""
    return infrared_HW


def take_visible(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the luminance of the visible image: the other floor."""
    return visible_HW


def average(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the mean of the two, pixel by pixel."""
    return (infrared_HW + visible_HW) * np.float32(0.5)


def maximum(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the greater of the two, pixel by pixel."""
    return np.maximum(infrared_HW, visible_HW)


def laplacian(infrared_HW: Float, visible_HW: Float) -> Float:
    """Laplacian pyramid: the stronger detail of each band, the mean of what remains.

    P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications
    31(4), 1983; as a means of fusion: P. J. Burt, "The pyramid as a structure for efficient computation",
    1984. Bands are OpenCV's `pyrDown` and `pyrUp` (5x5 binomial kernel).
    """
    levels = max(0, min(_PYRAMID_LEVELS, int(np.log2(min(infrared_HW.shape) / _SMALLEST))))
    *infrared_bands, infrared_rest = _pyramid(infrared_HW, levels)
    *visible_bands, visible_rest = _pyramid(visible_HW, levels)
    fused: Float = (infrared_rest + visible_rest) * np.float32(0.5)
    for infrared, visible in zip(reversed(infrared_bands), reversed(visible_bands), strict=True):
        detail = np.where(np.abs(infrared) > np.abs(visible), infrared, visible)
        fused = cv2.pyrUp(fused, dstsize=detail.shape[::-1]) + detail
    return fused


def _pyramid(image: Float, levels: int) -> list[Float]:
    """Return the bands of detail, the finest first, and what remains."""
    bands = []
    for _ in range(levels):
        smaller = cv2.pyrDown(image)
        bands.append(image - cv2.pyrUp(smaller, dstsize=image.shape[::-1]))
        image = smaller
    return [*bands, image]


def wavelet(infrared_HW: Float, visible_HW: Float) -> Float:
    """Discrete wavelet transform: the stronger coefficient of each detail band, the mean of what remains.

    Raises:
        InputError: PyWavelets is not installed.
    """
    require("pywt", "benchmark")
    import pywt

    height, width = infrared_HW.shape
    levels = min(_WAVELET_LEVELS, pywt.dwt_max_level(min(height, width), _WAVELET))
    infrared_rest, *infrared_bands = pywt.wavedec2(infrared_HW, _WAVELET, level=levels)
    visible_rest, *visible_bands = pywt.wavedec2(visible_HW, _WAVELET, level=levels)
    fused = [(infrared_rest + visible_rest) * np.float32(0.5)]
    for infrared, visible in zip(infrared_bands, visible_bands, strict=True):
        fused.append(tuple(np.where(abs(i) > abs(v), i, v) for i, v in zip(infrared, visible, strict=True)))
    image: Float = pywt.waverec2(fused, _WAVELET)
    return image[:height, :width]  # odd sizes come back one larger


def tsifvs(infrared_HW: Float, visible_HW: Float) -> Float:
    """TSIFVS: two scales; the details are weighted by a saliency from a mean and a median filter.

    D. P. Bavirisetti, R. Dhuli, "Two-scale image fusion of visible and infrared images using saliency
    detection", Infrared Physics & Technology 76, 2016, section 3, with the paper's parameters.
    """
    infrared_base, infrared_saliency = _base_and_saliency(infrared_HW)
    visible_base, visible_saliency = _base_and_saliency(visible_HW)
    total = infrared_saliency + visible_saliency
    # Where neither is salient, both are flat, and any weight gives the same detail.
    share = np.divide(infrared_saliency, total, out=np.full_like(total, 0.5), where=total > 0)
    base = (infrared_base + visible_base) * np.float32(0.5)
    detail = share * (infrared_HW - infrared_base) + (1 - share) * (visible_HW - visible_base)
    fused: Float = base + detail
    return fused


def _base_and_saliency(image_HW: Float) -> tuple[Float, Float]:
    """Return the base (mean filter) and the saliency: how far the median filter is from it."""
    base = cv2.blur(image_HW, (_MEAN, _MEAN), borderType=cv2.BORDER_REPLICATE)
    return base, np.abs(base - cv2.medianBlur(image_HW, _MEDIAN))
