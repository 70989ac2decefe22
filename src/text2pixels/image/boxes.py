"""Boxes around objects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """An object: category, left, top, width, height in pixels of the visible frame."""

    category: str
    x: float
    y: float
    w: float
    h: float
