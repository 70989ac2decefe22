"""Boxes of what can be seen: the visible extent of each object, hardly visible ones left out.

Shape suffixes: H, W frame; the owners' map is `SUPERSAMPLING` times as large.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.image.boxes import Box
from text2pixels_simulator.canvas import SUPERSAMPLING, Floats

_VISIBLE_SHARE = 0.35  # of the object's pixels that nothing hides
_INSIDE_SHARE = 0.35  # of its extent that the frame holds
_SMALLEST = {"Lamp": (3.0, 3.0)}  # pixels across and up
_SMALLEST_OTHER = (3.0, 6.0)
_STEP, _SPREAD = 5.0, 9.0  # gray levels: difference to the surroundings, variation inside
_KELVIN = 7.0  # gray levels a kelvin makes in the infrared, about


class Painted(NamedTuple):
    """What an object has painted on the canvas, whatever hides it later."""

    category: str
    pixels: int  # of the supersampled frame
    inside: float  # share of its bounding box that lies in the frame
    area: tuple[slice, slice]  # that part of the supersampled frame


def find_boxes(
    owners: NDArray[np.uint16], painted: dict[int, Painted], visible: NDArray[np.uint8], celsius: Floats
) -> tuple[Box, ...]:
    """Return the boxes of one scene.

    Args:
        owners: object that shows at each supersampled pixel, 0 for scenery.
        painted: the objects.
        visible: (H, W, 3) what the visible camera makes of them.
        celsius: (H, W) what reaches the infrared camera, in the visible camera's frame.
    """
    gray = cv2.blur(cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY), (3, 3)).astype(np.float32)
    sensors = (gray, celsius * np.float32(_KELVIN))
    boxes = []
    for owner, thing in painted.items():
        if thing.inside < _INSIDE_SHARE:
            continue
        mask = owners[thing.area] == owner
        pixels = int(np.count_nonzero(mask))
        if pixels == 0 or pixels < _VISIBLE_SHARE * thing.pixels:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = thing.area[0].start + rows[0], thing.area[1].start + columns[0]
        w, h = columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
        box = Box(thing.category, *(float(length) / SUPERSAMPLING for length in (left, top, w, h)))
        least = _SMALLEST.get(thing.category, _SMALLEST_OTHER)
        if box.w >= least[0] and box.h >= least[1] and _stands_out(owners, owner, box, sensors):
            boxes.append(box)
    return tuple(boxes)


def _stands_out(owners: NDArray[np.uint16], owner: int, box: Box, sensors: tuple[Floats, ...]) -> bool:
    """Tell whether either camera shows a difference to the surroundings, or variation inside."""
    border = 3
    height, width = sensors[0].shape
    rows = slice(max(int(box.y) - border, 0), min(int(box.y + box.h) + border + 1, height))
    columns = slice(max(int(box.x) - border, 0), min(int(box.x + box.w) + border + 1, width))
    inside = owners[::SUPERSAMPLING, ::SUPERSAMPLING][rows, columns] == owner
    if not inside.any() or inside.all():
        return bool(inside.any())
    for sensor in sensors:
        patch = sensor[rows, columns]
        own = patch[inside]
        if abs(float(own.mean() - patch[~inside].mean())) >= _STEP or float(own.std()) >= _SPREAD:
            return True
    return False
