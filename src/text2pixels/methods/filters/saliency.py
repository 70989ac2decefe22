"""TSIFVS: two scales; the details are weighted by a saliency from a mean and a median filter.

D. P. Bavirisetti, R. Dhuli, "Two-scale image fusion of visible and infrared images using saliency
detection", Infrared Physics & Technology 76, 2016, section 3, with the paper's parameters.

Legend of shape suffixes: H height, W width.
"""

import numpy as np

from text2pixels.methods.method import Float

_MEAN = 35  # pixels, side of the mean filter
_MEDIAN = 3  # pixels, side of the median filter


def fuse(infrared_HW: Float, visible_HW: Float) -> Float:
    """Fuse infrared and luminance (H, W), float32 in 0..255; the result is on that scale, not clipped."""
    infrared_base, infrared_saliency = _analyse(infrared_HW)
    visible_base, visible_saliency = _analyse(visible_HW)
    total = infrared_saliency + visible_saliency
    # Where neither is salient, both are flat, and any weight gives the same detail.
    share = np.divide(infrared_saliency, total, out=np.full_like(total, 0.5), where=total > 0)
    base = (infrared_base + visible_base) * np.float32(0.5)
    detail = share * (infrared_HW - infrared_base) + (1 - share) * (visible_HW - visible_base)
    fused: Float = base + detail
    return fused


def _analyse(image_HW: Float) -> tuple[Float, Float]:
    """Return the base (mean filter) and the saliency: how far the median filter is from it."""
    import cv2

    base = cv2.blur(image_HW, (_MEAN, _MEAN), borderType=cv2.BORDER_REPLICATE)
    return base, np.abs(base - cv2.medianBlur(image_HW, _MEDIAN))
