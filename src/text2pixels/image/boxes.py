"""Boxes around objects, and the rectangle that an image is cropped to together with its boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_VISIBLE = 0.3  # share of a box that must stay in the frame
_LEAST_SIDE = 2.0  # pixels
_SMALLEST_REST = 0.25  # share of a box's area that must be left when an image is cropped


@dataclass(frozen=True)
class Box:
    """An object: category, left, top, width, height in pixels of the visible frame."""

    category: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height, pixels."""

    x: int
    y: int
    width: int
    height: int


def clip(box: Box, width: int, height: int) -> Box | None:
    """Return the part of a box within the frame, or None where too little of it is left."""
    x0, y0 = max(box.x, 0.0), max(box.y, 0.0)
    w, h = min(box.x + box.w, width) - x0, min(box.y + box.h, height) - y0
    if min(w, h) < _LEAST_SIDE or w * h < _LEAST_VISIBLE * box.w * box.h:
        return None
    return Box(box.category, x0, y0, w, h)


def common_field(valid: NDArray[np.bool_]) -> Rectangle | None:
    """Return the largest upright rectangle of valid pixels, or None.

    ``valid`` (H, W) is convex, like the image of a frame under a homography. So a column that is valid in two rows is
    valid in all rows between them, and every pair of rows can be tried at once.
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


def crop_boxes(boxes: Sequence[Box], field: Rectangle) -> tuple[tuple[Box, ...], list[Box]]:
    """Return the boxes in the field's pixels, clipped to it, and those with less than a quarter inside."""
    kept, outside = [], []
    for box in boxes:
        left, top = max(box.x - field.x, 0), max(box.y - field.y, 0)
        right, bottom = min(box.x + box.w - field.x, field.width), min(box.y + box.h - field.y, field.height)
        if (
            (right - left) <= 0
            or (bottom - top) <= 0
            or (right - left) * (bottom - top) < _SMALLEST_REST * box.w * box.h
        ):
            outside.append(box)
        else:
            kept.append(Box(box.category, left, top, right - left, bottom - top))
    return tuple(kept), outside
