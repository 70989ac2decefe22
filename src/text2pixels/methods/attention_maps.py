"""Pictures of attention: which phrase lit which pixels."""

import re

import cv2
import numpy as np

from text2pixels.errors import InputError
from text2pixels.image.colour import Image8
from text2pixels.methods.method import Attentive, Method, Phrases

_BACKGROUND = 0.35  # share of the visible image in the picture


def draw_attention(method: Method, infrared: Image8, visible: Image8, phrases: Phrases) -> dict[str, Image8]:
    """Return one picture a phrase: its map in colour over the visible image, all maps on one scale.

    Returns:
        File name and picture (H, W, 3), in the order of the phrases; the last shows the attention to no phrase.

    Raises:
        InputError: the method reads no text, or there is no phrase.
    """
    if not isinstance(method, Attentive) or not phrases:
        raise InputError("attention needs a network trained here and a prompt (--prompt)")
    maps = method.attention(infrared, visible, phrases)
    brightest = max(float(map_HW.max()) for map_HW in maps.values())
    pictures = {}
    for index, (phrase, map_HW) in enumerate(maps.items()):
        heat = np.floor(map_HW * (255 / max(brightest, 1e-6)) + 0.5).astype(np.uint8)
        colour = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)[..., ::-1]
        name = re.sub(r"[^a-z0-9]+", "-", phrase.lower()).strip("-")[:60]
        picture = _BACKGROUND * visible + (1 - _BACKGROUND) * colour
        pictures[f"{index:02d}-{name}.png"] = picture.astype(np.uint8)
    return pictures
