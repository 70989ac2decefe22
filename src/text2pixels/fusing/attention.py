"""Pictures of attention: which phrase lit which pixels."""

import re
from pathlib import Path

import cv2
import numpy as np

from text2pixels.data.images import Image8
from text2pixels.errors import InputError
from text2pixels.fusing.engine import Engine, Phrases
from text2pixels.fusing.still import write_image

_BACKGROUND = 0.35  # share of the visible image in the picture


def write_attention(engine: Engine, infrared: Image8, visible: Image8, phrases: Phrases, folder: Path) -> list[Path]:
    """Write one picture a phrase: its map in colour over the visible image, all maps on one scale.

    Returns:
        The files, in the order of the phrases; the last shows the attention to no phrase.

    Raises:
        InputError: the method reads no text, or there is no phrase.
    """
    if engine.attention is None or not phrases:
        raise InputError("attention needs a trained network (--model) and a prompt (--prompt)")
    maps = engine.attention(infrared, visible, phrases)
    brightest = max(float(map_HW.max()) for map_HW in maps.values())
    files = []
    for index, (phrase, map_HW) in enumerate(maps.items()):
        heat = np.floor(map_HW * (255 / max(brightest, 1e-6)) + 0.5).astype(np.uint8)
        colour = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)[..., ::-1]
        picture = _BACKGROUND * visible + (1 - _BACKGROUND) * colour
        name = re.sub(r"[^a-z0-9]+", "-", phrase.lower()).strip("-")[:60]
        files.append(folder / f"{index:02d}-{name}.png")
        write_image(files[-1], picture.astype(np.uint8))
    return files
