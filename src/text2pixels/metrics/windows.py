"""Windows of the metrics as separable filters. They take most of the metrics' time, so OpenCV computes them."""

from typing import Literal

import cv2

from text2pixels.metrics.metric import Image

Border = Literal["valid", "zero", "mirror", "repeat"]

_MODES = {"zero": cv2.BORDER_CONSTANT, "mirror": cv2.BORDER_REFLECT_101, "repeat": cv2.BORDER_REPLICATE}


def gaussian(size: int, sigma: float) -> Image:
    """Return a Gaussian window of that many taps, (size,), summing to 1."""
    window: Image = cv2.getGaussianKernel(size, sigma)[:, 0]
    return window


def separable(image_HW: Image, column: Image, row: Image, border: Border) -> Image:
    """Correlate with the outer product of two kernels.

    Args:
        image_HW: Any range.
        column: Weights along the height, (K,).
        row: Weights along the width, (L,).
        border: "valid" keeps the pixels whose window lies inside, (H - K + 1, W - L + 1); "zero",
            "mirror" (without repeating the edge) and "repeat" (the edge) keep the size.
    """
    mode = _MODES.get(border, cv2.BORDER_CONSTANT)
    filtered: Image = cv2.sepFilter2D(image_HW, cv2.CV_64F, row, column, borderType=mode)
    if border != "valid":
        return filtered
    y, x = len(column) // 2, len(row) // 2
    height, width = image_HW.shape
    # A window of an even size reaches one pixel less far down and right than up and left.
    return filtered[y : height - (len(column) - 1 - y), x : width - (len(row) - 1 - x)]
