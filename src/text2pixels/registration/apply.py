"""Applying a transform: the infrared image in the visible frame, and the part that both cameras see."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.registration.frames import Image8, Matrix, local_scale, without_aliasing


@dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height, pixels."""

    x: int
    y: int
    width: int
    height: int


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


def common_field(valid: NDArray[np.bool_]) -> Rectangle | None:
    """Return the largest upright rectangle of valid pixels, or None.

    ``valid`` (H, W) is convex, as the image of a frame under a homography is: so the columns valid in
    all rows between two are those valid in both, and every pair of rows can be tried at once.
    """
    rows = np.flatnonzero(valid.any(axis=1))
    if not len(rows):
        return None
    left = valid[rows].argmax(axis=1)
    right = valid.shape[1] - valid[rows][:, ::-1].argmax(axis=1)
    width = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    area = np.clip(width, 0, None) * np.clip(rows - rows[:, None] + 1, 0, None)
    top, bottom = (int(index) for index in np.unravel_index(int(area.argmax()), area.shape))
    x = int(max(left[top], left[bottom]))
    return Rectangle(x, int(rows[top]), int(width[top, bottom]), int(rows[bottom] - rows[top] + 1))
