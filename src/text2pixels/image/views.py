"""Views: a window of an image, scaled and perhaps mirrored, and where its boxes lie in it."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.image.boxes import Box, clip

Image = TypeVar("Image", NDArray[np.uint8], NDArray[np.float32])

_SCALES = (0.75, 1.25)
_SCALED = 0.5  # share of the random views that are scaled; the others keep the pixels as they are


@dataclass(frozen=True)
class View:
    """What is seen of an image: a window of it, its scale, and whether it is mirrored."""

    left: float
    top: float
    width: int  # pixels of what is seen
    height: int
    scale: float = 1.0
    mirrored: bool = False


def random_view(width: int, height: int, crop: int, rng: np.random.Generator) -> View:
    """Return a square view, ``crop`` pixels a side; an image of less than that is enlarged to fill it."""
    scale = float(rng.uniform(*_SCALES)) if rng.random() < _SCALED else 1.0
    scale = max(scale, crop / min(width, height))
    side = min(crop / scale, width, height)  # rounding can make the quotient slightly larger than the image
    left, top = float(rng.uniform(0, width - side)), float(rng.uniform(0, height - side))
    if scale == 1:
        left, top = float(round(left)), float(round(top))
    return View(left, top, crop, crop, scale, bool(rng.random() < 0.5))


def central_view(width: int, height: int, stride: int) -> View:
    """Return the middle of an image, in whole strides; an image below one stride is enlarged."""
    scale = max(1.0, stride / min(width, height))
    w, h = (int(side * scale + 1e-6) // stride * stride for side in (width, height))
    return View(float(int((width - w / scale) / 2)), float(int((height - h / scale) / 2)), w, h, scale)


def see(image: Image, view: View) -> Image:
    """Return what the view shows of an image of 8 bits or of floats, (H, W) or (H, W, 3)."""
    if view.scale == 1:
        top, left = int(view.top), int(view.left)
        seen = image[top : top + view.height, left : left + view.width]
    else:
        # Pixel centres: seen + 0.5 = scale * (image + 0.5 - corner).
        x, y = (view.scale * (0.5 - corner) - 0.5 for corner in (view.left, view.top))
        matrix = np.array([[view.scale, 0, x], [0, view.scale, y]])
        seen = cv2.warpAffine(
            image, matrix, (view.width, view.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return np.ascontiguousarray(seen[:, ::-1]) if view.mirrored else seen


def place(box: Box, view: View) -> Box | None:
    """Return where a box of the image lies in the view, clipped to it; None where too little of it is seen."""
    x, y, w, h = (value * view.scale for value in (box.x - view.left, box.y - view.top, box.w, box.h))
    if view.mirrored:
        x = view.width - x - w
    return clip(Box(box.category, x, y, w, h), view.width, view.height)
