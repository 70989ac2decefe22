"""What fuses a pair for people: a baseline or a trained network, behind one signature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels.config import Embed
from text2pixels.image.colour import restore_colour
from text2pixels.image.files import Image8
from text2pixels.methods.catalogue import BASELINES
from text2pixels.methods.door import add_colour, fuse_luminance
from text2pixels.registry import look_up

Phrases = Sequence[str]
Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Engine:
    """A method, ready to fuse.

    Attributes:
        name: For messages.
        luminance: Fuses an infrared (H, W) and a visible RGB image (H, W, 3) under the given phrases; returns
            the fused luminance (H, W).
        colour: Gives the fused luminance the chroma of the visible image.
        attention: Returns for each phrase a map (H, W) in [0, 1]: which pixels it lit. None: reads no text.
    """

    name: str
    luminance: Callable[[Image8, Image8, Phrases], Image8]
    colour: Callable[[Image8, Image8], Image8]
    attention: Callable[[Image8, Image8, Phrases], Maps] | None = None

    def fuse(self, infrared: Image8, visible: Image8, phrases: Phrases = (), *, gray: bool = False) -> Image8:
        """Return the fused image as people see it: RGB (H, W, 3), or gray (H, W) if asked for."""
        fused = self.luminance(infrared, visible, phrases)
        return fused if gray else self.colour(fused, visible)


def baseline(name: str, weights: Path | None, device: str) -> Engine:
    """Return a method of the table of baselines; it reads no text.

    Raises:
        InputError: the name is unknown, its weights are missing, or there is no such device.
    """
    method = look_up(BASELINES, name, "method").load(weights, device)
    return Engine(
        name,
        lambda infrared, visible, phrases: fuse_luminance(method, infrared, visible),
        lambda fused, visible: add_colour(method, fused, visible),
    )


def network(folder: Path | None, device: str, embed: Embed) -> Engine:
    """Return a trained network; None: the one that comes with the package.

    Raises:
        InputError: there is no network, or no such device.
    """
    from text2pixels.methods import trained as inference

    trained = inference.load(folder, device, embed)

    @cache  # a video has one prompt and many frames
    def vectors(phrases: tuple[str, ...]) -> NDArray[np.float32]:
        return trained.encode(phrases).vectors_TD

    return Engine(
        str(folder or "the network of the package"),
        lambda infrared, visible, phrases: trained.fuse_luminance(infrared, visible, vectors(tuple(phrases))),
        restore_colour,
        trained.attention,
    )
