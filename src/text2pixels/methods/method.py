"""What fuses: one protocol for filters, networks of other authors, ours, and whatever a user brings.

Shapes: H, W image; 3 RGB channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.methods.card import Card

Float = NDArray[np.float32]
Image8 = NDArray[np.uint8]
Phrases = Sequence[str]

MINIMUM_SIDE = 8  # pixels: networks and filters reflect borders


class Method(Protocol):
    """A method, ready to fuse.

    Attributes:
        card: What is known of it.
        parameters: Number of trained parameters that fusing uses.
    """

    @property
    def card(self) -> Card:
        """Return the card."""
        ...

    @property
    def parameters(self) -> int:
        """Return the number of trained parameters."""
        ...

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = ()) -> Float:
        """Fuse one pair.

        Args:
            infrared_HW: 8-bit gray.
            visible_HW3: 8-bit RGB of the same size.
            phrases: What the scene shows; a method whose card says that it reads no text gets none.

        Returns:
            Luminance (H, W) on the scale 0..255, neither clipped nor rounded; of a network that gives RGB images,
            (H, W, 3) on that scale.

        Raises:
            InputError: the images are not 8-bit, not of one size, or too small.
        """
        ...


@runtime_checkable
class Attentive(Protocol):
    """A method that also says which phrase lit which pixels."""

    def attention(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases) -> dict[str, Float]:
        """Return for each phrase, and last for "no phrase", a map (H, W) in [0, 1]; they sum to 1 at every pixel."""
        ...


@dataclass(frozen=True)
class Filter:
    """A method without weights: a function of the infrared and of what its card says that it gets of the visible.

    Both are float32 in 0..255, (H, W), the visible image in RGB (H, W, 3).
    """

    card: Card
    function: Callable[[Float, Float], Float]
    parameters: int = 0

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = ()) -> Float:
        """Fuse one pair; see `Method.fuse`.

        Raises:
            InputError: also where the function, which may be a user's own, gives another size or values that are none.
        """
        assert not phrases, f"{self.card.name} reads no text"
        fused = self.function(*sources(self.card, infrared_HW, visible_HW3))
        if fused.shape[:2] != infrared_HW.shape:
            raise InputError(
                f"{self.card.name} gave an image of the shape {fused.shape} for a pair of {infrared_HW.shape}"
            )
        if not np.isfinite(fused).all():
            raise InputError(f"{self.card.name} gave an image with values that are no numbers")
        return fused


def sources(card: Card, infrared_HW: Image8, visible_HW3: Image8) -> tuple[Float, Float]:
    """Return what a method gets, on the scale 0..255: the infrared, and of the visible what its card says.

    Returns:
        infrared (H, W), and BT.601 luminance (H, W) or RGB (H, W, 3).

    Raises:
        InputError: see `check_pair`.
    """
    check_pair(infrared_HW, visible_HW3)
    infrared = infrared_HW.astype(np.float32)
    if card.visible == "rgb":
        return infrared, visible_HW3.astype(np.float32)
    if card.visible == "truncated luminance":  # in whole numbers: no sum of floats falls short of a level
        return infrared, (visible_HW3.astype(np.int32) @ np.array([299, 587, 114]) // 1000).astype(np.float32)
    y_HW = luminance(visible_HW3)
    if card.visible == "rounded luminance":
        y_HW = quantise(y_HW).astype(np.float32) / np.float32(255)
    # Scaled back, every 8-bit gray value comes out exact.
    return infrared, y_HW * np.float32(255)


def check_pair(infrared_HW: Image8, visible_HW3: Image8, minimum_side: int = MINIMUM_SIDE) -> None:
    """Make sure that a pair can be fused.

    Raises:
        InputError: the images are not 8-bit gray and RGB, not of one size, or too small.
    """
    if infrared_HW.dtype != np.uint8 or infrared_HW.ndim != 2:
        raise InputError(f"infrared: expected 8-bit gray (H, W), found {infrared_HW.dtype} {infrared_HW.shape}")
    if visible_HW3.dtype != np.uint8 or visible_HW3.ndim != 3 or visible_HW3.shape[2] != 3:
        raise InputError(f"visible: expected 8-bit RGB (H, W, 3), found {visible_HW3.dtype} {visible_HW3.shape}")
    check_sizes(infrared_HW, visible_HW3, minimum_side)


def check_sizes(infrared_HW: Image8, visible: Image8, minimum_side: int) -> None:
    """Make sure that two images, the visible gray or RGB, have one size and are large enough.

    Raises:
        InputError: they are not.
    """
    (ir_height, ir_width), (height, width) = infrared_HW.shape, visible.shape[:2]
    if (ir_height, ir_width) != (height, width):
        raise InputError(
            f"the infrared is {ir_width}x{ir_height} and the visible {width}x{height} pixels: "
            "they must have one size and be aligned; t2p fuse --register finds the transform and applies it, "
            "--matrix FILE applies one that t2p register wrote"
        )
    if min(height, width) < minimum_side:
        raise InputError(f"the images are {width}x{height} pixels: at least {minimum_side} a side are needed")
