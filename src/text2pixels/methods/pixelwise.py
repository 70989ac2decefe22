"""Average and maximum of the two images, pixel by pixel."""

import numpy as np

from text2pixels.methods.fuser import Float, Fuser


def _average(infrared_HW: Float, visible_HW: Float) -> Float:
    return (infrared_HW + visible_HW) * np.float32(0.5)


def _maximum(infrared_HW: Float, visible_HW: Float) -> Float:
    return np.maximum(infrared_HW, visible_HW)


AVERAGE = Fuser(
    name="average",
    title="Average",
    paper="(infrared + visible) / 2",
    year=None,
    licence="-",
    weights="none needed",
    function=_average,
)
MAXIMUM = Fuser(
    name="max",
    title="Maximum",
    paper="max(infrared, visible)",
    year=None,
    licence="-",
    weights="none needed",
    function=_maximum,
)
