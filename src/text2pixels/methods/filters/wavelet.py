"""Discrete wavelet transform: the stronger coefficient of each detail band, the mean of what remains."""

import numpy as np

from text2pixels.extras import require
from text2pixels.methods.method import Float

_WAVELET = "db2"
_LEVELS = 4


def fuse(infrared_HW: Float, visible_HW: Float) -> Float:
    """Fuse infrared and luminance (H, W), float32 in 0..255; the result is on that scale, not clipped."""
    require("pywt", "benchmark")
    import pywt

    height, width = infrared_HW.shape
    levels = min(_LEVELS, pywt.dwt_max_level(min(height, width), _WAVELET))
    infrared_rest, *infrared_bands = pywt.wavedec2(infrared_HW, _WAVELET, level=levels)
    visible_rest, *visible_bands = pywt.wavedec2(visible_HW, _WAVELET, level=levels)
    fused = [(infrared_rest + visible_rest) * np.float32(0.5)]
    for infrared, visible in zip(infrared_bands, visible_bands, strict=True):
        fused.append(tuple(np.where(abs(i) > abs(v), i, v) for i, v in zip(infrared, visible, strict=True)))
    image: Float = pywt.waverec2(fused, _WAVELET)
    return image[:height, :width]  # odd sizes come back one larger
