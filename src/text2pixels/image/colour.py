"""Colour, in one place for every method: fuse the luminance, give the visible chroma back.

BT.601 full range (JPEG), as the field's scripts use it.
"""

import numpy as np
from numpy.typing import NDArray

Image8 = NDArray[np.uint8]  # gray (H, W) or RGB (H, W, 3)

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def luminance(rgb: Image8) -> NDArray[np.float32]:
    """Return BT.601 luma, (H, W) in [0, 1], of an 8-bit RGB image (H, W, 3), not rounded."""
    y: NDArray[np.float32] = rgb.astype(np.float32) @ _LUMA / np.float32(255)
    # Gray pixels come out exact: the weights sum to 1 only up to rounding.
    gray = (rgb[..., 0] == rgb[..., 1]) & (rgb[..., 1] == rgb[..., 2])
    return np.where(gray, rgb[..., 0] / np.float32(255), y)


def quantise(image: NDArray[np.float32]) -> Image8:
    """Clip to [0, 1], scale to 0..255 and round half up: the benchmark's door for every method."""
    levels: Image8 = np.floor(np.clip(image, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return levels


def stretch(image: NDArray[np.float32], top: float) -> NDArray[np.float32]:
    """Map the image's least value to 0 and its greatest to ``top``; a flat image has nothing to stretch."""
    low, high = image.min(), image.max()
    return (image - low) * (np.float32(top) / (high - low)) if high > low else image


def restore_colour(fused: Image8, visible: Image8) -> Image8:
    """Give the fused luminance (H, W) the chroma of the visible RGB image (H, W, 3).

    RGB = Y' + (RGB_visible - Y_visible), which keeps Cb and Cr. Where that leaves the gamut, chroma
    is scaled down until it fits, instead of clipping channels: clipping would shift hue and change
    the luminance that was fused.
    """
    rgb = visible.astype(np.float32)
    chroma = rgb - luminance(visible)[..., None] * 255
    y = fused.astype(np.float32)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(chroma > 0, (255 - y) / chroma, np.where(chroma < 0, -y / chroma, np.inf))
    scale = np.minimum(room.min(axis=2, keepdims=True), 1)
    coloured: Image8 = np.clip(np.floor(y + chroma * scale + 0.5), 0, 255).astype(np.uint8)
    return coloured
