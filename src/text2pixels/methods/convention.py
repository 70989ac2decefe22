"""How the floats that a method gives become the 8 bits that are saved and measured.

- ``standard``: what the method's own authors do, as its card says, and no more;
- ``unstretched``: clip and round for everybody, also where the authors stretch;
- ``stretched``: clip, then stretch per image to 0..255, whatever the authors do, as the tables of many
  papers have it. It inflates EN, SD, SF and AG.

Shapes: H, W image; 3 RGB channels.
"""

from typing import Literal

import numpy as np

from text2pixels.image.colour import luminance, quantise, restore_colour, stretch
from text2pixels.methods.card import Card, Rule
from text2pixels.methods.method import Float, Image8, Method, Phrases

Convention = Literal["standard", "unstretched", "stretched"]


def fuse_luminance(
    method: Method,
    infrared_HW: Image8,
    visible_HW3: Image8,
    phrases: Phrases = (),
    *,
    convention: Convention = "standard",
) -> Image8:
    """Fuse one pair to 8-bit luminance (H, W): what metrics see.

    Raises:
        InputError: see `Method.fuse`.
    """
    return round_output(method.card, method.fuse(infrared_HW, visible_HW3, phrases), convention)


def fuse_picture(
    method: Method, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = (), *, gray: bool = False
) -> Image8:
    """Fuse one pair as people see it: RGB (H, W, 3), or the luminance (H, W) if asked for.

    The colour is what the method's card says: the visible image's, or, byte for byte, what the authors save, be it
    their own colour or gray.

    Raises:
        InputError: see `Method.fuse`.
    """
    fused = method.fuse(infrared_HW, visible_HW3, phrases)
    if method.card.colour == "own" and not gray:
        return to_8_bits(fused, method.card.eight_bits)
    fused_HW = round_output(method.card, fused)
    return fused_HW if gray or method.card.colour == "gray" else add_colour(method.card, fused_HW, visible_HW3)


def round_output(card: Card, fused: Float, convention: Convention = "standard") -> Image8:
    """Turn what `Method.fuse` returned into 8-bit luminance (H, W)."""
    if convention == "stretched":
        return to_8_bits(np.clip(_gray(fused), 0, 255), "stretch min-max")
    if convention == "unstretched":
        return to_8_bits(_gray(fused), "round")
    if fused.ndim == 3:  # a network of RGB images: its authors convert each channel, then go gray
        return quantise(luminance(to_8_bits(fused, card.eight_bits)))
    return to_8_bits(fused, card.eight_bits)


def add_colour(card: Card, fused_HW: Image8, visible_HW3: Image8) -> Image8:
    """Return fused luminance with the colour of the visible image, or gray (H, W) of a method without colour."""
    if card.colour == "none":
        return fused_HW
    return restore_colour(fused_HW, visible_HW3, "added" if card.colour == "chroma" else "proportional")


def to_8_bits(image: Float, rule: Rule) -> Image8:
    """Turn a float image, (H, W) or (H, W, 3) on the scale 0..255, into 8 bits.

    Stretches are over all pixels and channels of the image. "round" and the stretches round half up, as
    scipy.misc.imsave did, "halves down" rounds 127.5 to 127, as imageio does, "truncate" leaves fractions out.
    """
    if rule == "truncate":
        return np.clip(image, 0, 255).astype(np.uint8)
    if rule == "truncate, stretch min-max, truncate":
        cut = to_8_bits(image, "truncate").astype(np.float64)
        low, high = cut.min(), cut.max()
        return ((cut - low) / (high - low) * 255 if high > low else cut).astype(np.uint8)
    if rule == "stretch min-max, halves down":
        # imageio computes in float64 and adds not quite a half. In float32 that would be a half.
        return (stretch(image, 255).astype(np.float64) + 0.499999999).clip(0, 255).astype(np.uint8)
    if rule == "stretch min-max, truncate":
        return stretch(image, 255).clip(0, 255).astype(np.uint8)
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
