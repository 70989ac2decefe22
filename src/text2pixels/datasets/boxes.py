"""Checking boxes against the image they were drawn on."""

import math
from collections.abc import Mapping

from text2pixels.datasets.adapter import Labels, Problem
from text2pixels.image.boxes import Box

OVERHANG = 2.0  # pixels beyond the image that are rounding, and are cut off; beyond that the box is wrong


def check(labels: Labels, width: int, height: int, classes: Mapping[str, str]) -> tuple[list[Box], list[Problem]]:
    """Return the boxes that hold, clipped to the image and with the manifest's categories, and the others' faults.

    Args:
        labels: boxes as the publisher drew them.
        width: of the visible image, pixels.
        height: of the visible image, pixels.
        classes: the publisher's category to the manifest's. Empty: every category is taken as it is.
    """
    good: dict[Box, None] = {}  # in the order in which they come
    faults: list[Problem] = list(labels.faults)
    across, down = (width, height) if labels.normalised else (1, 1)
    for raw in labels.boxes:
        box = Box(classes.get(raw.category, raw.category), raw.x * across, raw.y * down, raw.w * across, raw.h * down)
        clipped = _clip(box, width, height)
        fault = _fault(raw.category, box, clipped, width, height, classes)
        if fault is None and clipped in good:
            fault = "box_duplicate"
        if fault is None:
            good[clipped] = None
        else:
            what = f"{raw.category} x={box.x:.1f} y={box.y:.1f} w={box.w:.1f} h={box.h:.1f} in {width}x{height}"
            expected = f"; known: {', '.join(classes)}" if fault == "class_unknown" and classes else ""
            faults.append((fault, what + expected))
    return list(good), faults


def _fault(name: str, box: Box, clipped: Box, width: int, height: int, classes: Mapping[str, str]) -> str | None:
    if not name or (classes and name not in classes) or not _is_text(name):
        return "class_unknown"
    if not all(map(math.isfinite, (box.x, box.y, box.w, box.h))) or box.w <= 0 or box.h <= 0:
        return "box_empty"
    if max(-box.x, -box.y, box.x + box.w - width, box.y + box.h - height) > OVERHANG:
        return "box_outside"
    return "box_empty" if clipped.w <= 0 or clipped.h <= 0 else None


def _is_text(name: str) -> bool:
    """Tell whether a name can be written down: JSON can hold halves of characters, which no file can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clip(box: Box, width: int, height: int) -> Box:
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    return Box(box.category, left, top, min(box.x + box.w, width) - left, min(box.y + box.h, height) - top)
