"""Colour, the same for every method: the luminance is fused, and gets the chroma of the visible image back.

BT.601 full range (JPEG), as in the scripts of this field.
"""

from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Image8 = NDArray[np.uint8]  # gray (H, W) or RGB (H, W, 3)
Rule = Literal["proportional", "added"]
Levels = TypeVar("Levels", bound=Any)  # an array or a tensor

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_NOISY, _TRUSTED = 16.0, 64.0  # luminance levels: chroma is noise up to the first, and trusted from the second on
_MOST = 2.5  # largest factor of the chroma
_ROWS = 48  # computed at a time: their intermediate results stay in the processor's cache


def luminance(rgb: Image8) -> NDArray[np.float32]:
    """Return BT.601 luma, (H, W) in [0, 1], of an 8-bit RGB image (H, W, 3), not rounded."""
    y: NDArray[np.float32] = rgb.astype(np.float32) @ _LUMA / np.float32(255)
    # Gray pixels come out exact: the weights sum to 1 only up to rounding.
    gray = (rgb[..., 0] == rgb[..., 1]) & (rgb[..., 1] == rgb[..., 2])
    return np.where(gray, rgb[..., 0] / np.float32(255), y)


def quantise(image: NDArray[np.float32]) -> Image8:
    """Clip to [0, 1], scale to 0..255 and round half up; in the benchmark every method's output is rounded here."""
    levels: Image8 = np.floor(np.clip(image, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return levels


def stretch(image: NDArray[np.float32], top: float) -> NDArray[np.float32]:
    """Map the image's least value to 0 and its greatest to ``top``; a flat image is returned as it is."""
    low, high = image.min(), image.max()
    return (image - low) * (np.float32(top) / (high - low)) if high > low else image


def restore_colour(fused: Image8, visible: Image8, rule: Rule = "proportional") -> Image8:
    """Give the fused luminance (H, W) the colour of the visible RGB image (H, W, 3).

    RGB = Y' + r (RGB_visible - Y_visible). By the rule "added" r is 1, which keeps Cb and Cr, as the
    scripts of most authors do: where Y' is brighter than the visible image, red turns pink. By the rule
    "proportional" r is Y' / Y_visible, which keeps saturation and hue; where the visible image is nearly
    black, its chroma is noise, and r falls back to 1 (`proportion`).

    Where the result would leave the gamut, chroma is scaled down until it fits, instead of clipping
    channels: clipping would shift hue and change the luminance that was fused.
    """
    y_visible_HW = luminance(visible) * np.float32(255)
    coloured = np.empty_like(visible)
    for top in range(0, len(fused), _ROWS):
        rows = slice(top, top + _ROWS)
        y, y_visible = fused[rows].astype(np.float32), y_visible_HW[rows]
        chroma = [np.subtract(channel, y_visible, dtype=np.float32) for channel in cv2.split(visible[rows])]
        if rule == "proportional":
            ratio = proportion(y, y_visible)
            for each in chroma:
                each *= ratio
        _fit(chroma, y)
        channels = [np.clip(y + each + np.float32(0.5), 0, 255).astype(np.uint8) for each in chroma]
        coloured[rows] = cv2.merge(channels)
    return coloured


def proportion(fused: Levels, visible: Levels) -> Levels:
    """Return the factor of the chroma by the rule "proportional", of two luminances in levels of 255.

    Their ratio, at most 2.5, where the visible image has 64 levels or more; 1 where it has 16 or less, and in between
    a mixture of the two. Takes arrays and, in training, tensors on any device.
    """
    trust = ((visible - _NOISY) / (_TRUSTED - _NOISY)).clip(0, 1)
    factor: Levels = 1 + trust * ((fused / visible.clip(_NOISY)).clip(0, _MOST) - 1)
    return factor


def _fit(chroma: list[NDArray[np.float32]], y: NDArray[np.float32]) -> None:
    """Scale the chroma of a pixel down, in place, until none of its three channels leaves 0..255."""
    highest = cv2.max(cv2.max(chroma[0], chroma[1]), chroma[2])
    lowest = cv2.min(cv2.min(chroma[0], chroma[1]), chroma[2])
    room = 255 - y
    beyond = (highest > room) | (-lowest > y)
    if not beyond.any():
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(highest[beyond] > 0, room[beyond] / highest[beyond], np.float32(np.inf))
        below = np.where(lowest[beyond] < 0, -y[beyond] / lowest[beyond], np.float32(np.inf))
    scale = np.minimum(above, below)
    for each in chroma:
        each[beyond] *= scale
