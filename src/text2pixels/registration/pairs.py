"""The pairs that an estimate is made from, checked and reduced to the size that registration works at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from text2pixels.errors import InputError
from text2pixels.registration.frames import Image8, Matrix, inverse, normalised, scaling, shrink

INFRARED_SIDE = 640  # pixels, longest side after reduction; most thermal cameras have no more
VISIBLE_SIDE = 1600
SMALLEST_SIDE = 32


@dataclass(frozen=True)
class Views:
    """One or more pairs from the same two cameras, reduced; "reduced pixels" in this package are pixels of these.

    ``infrared`` and ``visible`` are 8-bit gray (H, W), of one size each; ``to_infrared`` and
    ``to_visible`` take original pixels to reduced ones.
    """

    infrared: tuple[Image8, ...]
    visible: tuple[Image8, ...]
    to_infrared: Matrix
    to_visible: Matrix

    @property
    def infrared_size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.infrared[0].shape
        return height, width

    @property
    def visible_size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.visible[0].shape
        return height, width

    def in_original_pixels(self, matrix: Matrix) -> Matrix:
        """Return the infrared-to-visible matrix between the original images, lower right element 1."""
        return normalised(inverse(self.to_visible) @ matrix @ self.to_infrared)


def prepare(pairs: Sequence[tuple[Image8, Image8]]) -> Views:
    """Reduce pairs (infrared, visible) of one rig.

    Raises:
        InputError: no pair, not 8-bit gray, too small, or sizes that differ between pairs.
    """
    if not pairs:
        raise InputError("nothing to register: expected at least one infrared/visible pair")
    for images, noun in zip(zip(*pairs, strict=True), ("infrared", "visible"), strict=True):
        for image in images:
            if image.ndim != 2 or image.dtype != np.uint8 or min(image.shape) < SMALLEST_SIDE:
                raise InputError(
                    f"{noun} image of shape {image.shape} and type {image.dtype}: "
                    f"registration expects 8-bit gray, at least {SMALLEST_SIDE} pixels a side"
                )
        sizes = {image.shape for image in images}
        if len(sizes) > 1:
            raise InputError(
                f"{noun} images of one rig have different sizes: {sorted(sizes)}; register them one by one"
            )
    infrared = tuple(_reduce(one, INFRARED_SIDE) for one, _ in pairs)
    visible = tuple(_reduce(other, VISIBLE_SIDE) for _, other in pairs)
    to_infrared = scaling(_size(pairs[0][0]), _size(infrared[0]))
    to_visible = scaling(_size(pairs[0][1]), _size(visible[0]))
    return Views(infrared, visible, to_infrared, to_visible)


def _reduce(image: Image8, side: int) -> Image8:
    return shrink(image, min(1.0, side / max(image.shape)))


def _size(image: Image8) -> tuple[int, int]:
    height, width = image.shape
    return height, width
