"""Average and maximum of the two images, pixel by pixel."""

import numpy as np

from text2pixels.methods.method import Float


def average(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the mean of the two, pixel by pixel."""
    return (infrared_HW + visible_HW) * np.float32(0.5)


def maximum(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the greater of the two, pixel by pixel."""
    return np.maximum(infrared_HW, visible_HW)
