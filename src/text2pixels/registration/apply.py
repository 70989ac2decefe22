"""Applying a transform: the infrared image in the visible frame, and where in it there is infrared."""

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.frames import Image8, Matrix, local_scale, without_aliasing


def warp(infrared: Image8, matrix: Matrix, size: tuple[int, int]) -> tuple[Image8, NDArray[np.bool_]]:
    """Bring an infrared image into the visible frame.

    Args:
        infrared: (H, W) 8-bit gray.
        matrix: 3x3, infrared to visible pixels.
        size: (height, width) of the visible frame.

    Returns:
        The image (height, width), 0 where there is no infrared, and the mask of where there is.
    """
    image, valid = resample(infrared, matrix, size), field_of_view(infrared.shape, matrix, size)
    image[~valid] = 0
    return image, valid


def resample(infrared: Image8, matrix: Matrix, size: tuple[int, int]) -> Image8:
    """Return the infrared in the visible frame, (height, width); beyond its field its edge is repeated.

    So the border of the valid part does not darken while interpolating. The arguments are those of `warp`.
    """
    height, width = size
    source = without_aliasing(infrared, local_scale(matrix, *infrared.shape))
    image: Image8 = cv2.warpPerspective(
        source, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return image


def field_of_view(shape: tuple[int, ...], matrix: Matrix, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where in the visible frame, (height, width), an infrared image of (H, W) ``shape`` lies."""
    height, width = size
    inside = cv2.warpPerspective(np.full(shape, 255, np.uint8), matrix, (width, height), flags=cv2.INTER_LINEAR)
    valid: NDArray[np.bool_] = inside == 255
    return valid
