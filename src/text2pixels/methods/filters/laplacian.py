"""Laplacian pyramid: the stronger detail of each band, the mean of what remains.

P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications
31(4), 1983; as a means of fusion: P. J. Burt, "The pyramid as a structure for efficient computation",
1984. Bands are OpenCV's `pyrDown` and `pyrUp` (5x5 binomial kernel).
"""

import numpy as np

from text2pixels.methods.method import Float

_LEVELS = 5  # bands at most
_SMALLEST = 8  # pixels, shorter side of the lowest band


def fuse(infrared_HW: Float, visible_HW: Float) -> Float:
    """Fuse infrared and luminance (H, W), float32 in 0..255; the result is on that scale, not clipped."""
    import cv2

    levels = max(0, min(_LEVELS, int(np.log2(min(infrared_HW.shape) / _SMALLEST))))
    *infrared_bands, infrared_rest = _decompose(infrared_HW, levels)
    *visible_bands, visible_rest = _decompose(visible_HW, levels)
    fused: Float = (infrared_rest + visible_rest) * np.float32(0.5)
    for infrared, visible in zip(reversed(infrared_bands), reversed(visible_bands), strict=True):
        detail = np.where(np.abs(infrared) > np.abs(visible), infrared, visible)
        fused = cv2.pyrUp(fused, dstsize=detail.shape[::-1]) + detail
    return fused


def _decompose(image: Float, levels: int) -> list[Float]:
    import cv2

    bands = []
    for _ in range(levels):
        smaller = cv2.pyrDown(image)
        bands.append(image - cv2.pyrUp(smaller, dstsize=image.shape[::-1]))
        image = smaller
    return [*bands, image]
