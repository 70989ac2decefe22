"""The one door through which every baseline fuses.

Same input for all: the 8-bit infrared and the BT.601 luminance of the visible image at full
resolution; an output of exactly that size, 8 bits. What happens between the method's float output
and the 8 bits is named:

- ``standard``: what the method's own authors do, as recorded in its table entry, and no more;
- ``unstretched``: clip and round for everybody, also where the authors stretch;
- ``published``: the float output, clipped, then stretched per image to 0..255, whatever its authors
  do, as the tables of many papers have it. It inflates EN, SD, SF and AG.

Legend of shape suffixes: H height, W width, 3 RGB channels.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise, restore_colour, stretch
from text2pixels.methods.fuser import Float, Method, Rule

Image8 = NDArray[np.uint8]
MINIMUM_SIDE = 8  # pixels: networks and filters reflect borders
Convention = Literal["standard", "unstretched", "published"]


def fuse_luminance(
    method: Method,
    infrared_HW: Image8,
    visible_HW3: Image8,
    *,
    convention: Convention = "standard",
) -> Image8:
    """Fuse one pair.

    Args:
        method: A loaded baseline.
        infrared_HW: 8-bit gray.
        visible_HW3: 8-bit RGB of the same size.
        convention: How the output becomes 8 bits; see the module's docstring.

    Returns:
        The fused luminance, (H, W).

    Raises:
        InputError: the images are not 8-bit, not of one size, or too small.
    """
    return round_output(method, fuse_unrounded(method, infrared_HW, visible_HW3), convention)


def fuse_unrounded(method: Method, infrared_HW: Image8, visible_HW3: Image8) -> Float:
    """Return a method's own output for one pair, (H, W) or (H, W, 3) on the scale 0..255, not yet clipped.

    Raises:
        InputError: the images are not 8-bit, not of one size, or too small.
    """
    check_pair(infrared_HW, visible_HW3)
    y = luminance(visible_HW3)
    if method.fuser.luminance == "rounded":
        y = quantise(y).astype(np.float32) / np.float32(255)
    # Scaled back, every 8-bit gray value comes out exact.
    fused = method.fuse(infrared_HW.astype(np.float32), y * np.float32(255))
    assert fused.shape[:2] == infrared_HW.shape, f"{method.fuser.name} changed the size to {fused.shape[:2]}"
    return fused


def round_output(method: Method, fused: Float, convention: Convention) -> Image8:
    """Turn what `fuse_unrounded` returned into 8-bit luminance, (H, W)."""
    if convention == "published":
        return to_8_bits(np.clip(_gray(fused), 0, 255), "stretch min-max")
    if convention == "unstretched":
        return to_8_bits(_gray(fused), "round")
    if fused.ndim == 3:  # a network of RGB images: its authors convert each channel, then go gray
        return quantise(luminance(to_8_bits(fused, method.fuser.eight_bits)))
    return to_8_bits(fused, method.fuser.eight_bits)


def add_colour(method: Method, fused_HW: Image8, visible_HW3: Image8) -> Image8:
    """Return the fused image as people see it: RGB, or gray (H, W) for a method without colour."""
    return restore_colour(fused_HW, visible_HW3) if method.fuser.colour else fused_HW


def check_pair(infrared_HW: Image8, visible_HW3: Image8) -> None:
    """Make sure that a pair can be fused.

    Raises:
        InputError: the images are not 8-bit gray and RGB, not of one size, or too small.
    """
    if infrared_HW.dtype != np.uint8 or infrared_HW.ndim != 2:
        raise InputError(f"infrared: expected 8-bit gray (H, W), found {infrared_HW.dtype} {infrared_HW.shape}")
    if visible_HW3.dtype != np.uint8 or visible_HW3.ndim != 3 or visible_HW3.shape[2] != 3:
        raise InputError(f"visible: expected 8-bit RGB (H, W, 3), found {visible_HW3.dtype} {visible_HW3.shape}")
    if infrared_HW.shape != visible_HW3.shape[:2]:
        (ir_height, ir_width), (height, width) = infrared_HW.shape, visible_HW3.shape[:2]
        raise InputError(
            f"the infrared is {ir_width}x{ir_height} and the visible {width}x{height} pixels: "
            "they must have one size and be aligned (see: t2p register --help)"
        )
    if min(infrared_HW.shape) < MINIMUM_SIDE:
        height, width = infrared_HW.shape
        raise InputError(f"the images are {width}x{height} pixels: at least {MINIMUM_SIDE} a side are needed")


def to_8_bits(image: Float, rule: Rule) -> Image8:
    """Turn a float image on the scale 0..255 into 8 bits; rounding is half up."""
    if rule == "truncate":
        return np.clip(image, 0, 255).astype(np.uint8)
    if rule == "stretch to maximum":
        image = image * (np.float32(255) / max(image.max(), np.float32(1e-6)))
    elif rule == "stretch min-max":
        image = stretch(image, 255)
    rounded: Image8 = np.floor(np.clip(image, 0, 255) + np.float32(0.5)).astype(np.uint8)
    return rounded


def _gray(image: Float) -> Float:
    if image.ndim == 2:
        return image
    gray: Float = image @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return gray
