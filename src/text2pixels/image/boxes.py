"""Boxes around objects."""

from dataclasses import dataclass

_LEAST_VISIBLE = 0.3  # share of a box that must stay in the frame
_LEAST_SIDE = 2.0  # pixels


@dataclass(frozen=True)
class Box:
    """An object: category, left, top, width, height in pixels of the visible frame."""

    category: str
    x: float
    y: float
    w: float
    h: float


def clip(box: Box, width: int, height: int) -> Box | None:
    """Return the part of a box within the frame, or None where too little of it is left."""
    x0, y0 = max(box.x, 0.0), max(box.y, 0.0)
    w, h = min(box.x + box.w, width) - x0, min(box.y + box.h, height) - y0
    if min(w, h) < _LEAST_SIDE or w * h < _LEAST_VISIBLE * box.w * box.h:
        return None
    return Box(box.category, x0, y0, w, h)
