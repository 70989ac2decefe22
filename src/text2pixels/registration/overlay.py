"""Registration as a picture: the edges of both cameras in two colours, before and after."""

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.image.colour import Image8
from text2pixels.registration.frames import Matrix, scaling, warp

_SIDE = 900  # pixels, longest side of a panel
_CAPTION = 34  # pixels
_TILES = 8  # of the checkerboard, across


def overlay(infrared: Image8, visible: Image8, matrix: Matrix, caption: str) -> Image8:
    """Draw before and after side by side, RGB.

    Above: edges, infrared orange and visible blue; where they meet, the colours add up to white.
    Below: a checkerboard of both images; where they are aligned, contours continue from tile to tile. "Before" is the
    infrared stretched to the visible frame.

    Args:
        infrared: (H, W) 8-bit gray.
        visible: (H', W') 8-bit gray.
        matrix: infrared to visible pixels.
        caption: the verdict, shown above "after".
    """
    factor = _SIDE / max(visible.shape)
    height, width = (max(1, round(side * factor)) for side in visible.shape)
    scene = cv2.resize(visible, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    shape, frame = (infrared.shape[0], infrared.shape[1]), (visible.shape[0], visible.shape[1])
    panels = []
    for title, transform in (
        ("before: infrared stretched to the visible frame", scaling(shape, frame)),
        (f"after: {caption}", matrix),
    ):
        thermal, valid = warp(infrared, scaling(frame, (height, width)) @ transform, (height, width))
        panels.append(np.vstack([_title(title, width), _edges(thermal, valid, scene), _checkerboard(thermal, scene)]))
    gap = np.full((panels[0].shape[0], 6, 3), 128, np.uint8)
    return np.hstack([panels[0], gap, panels[1]])


def _edges(thermal: Image8, valid: NDArray[np.bool_], scene: Image8) -> Image8:
    # Complementary colours: orange (255, 140, 0) and blue (0, 115, 255).
    warm = (
        np.array([255, 140, 0], np.float32)
        * (_strength(thermal) * cv2.erode(valid.astype(np.float32), None))[..., None]
    )
    cool = np.array([0, 115, 255], np.float32) * _strength(scene)[..., None]
    drawn: Image8 = np.clip(warm + cool, 0, 255).astype(np.uint8)
    return drawn


def _strength(image: Image8) -> NDArray[np.float32]:
    """Return the gradient magnitude relative to that around it, (H, W) in [0, 1], so that dim parts show too."""
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.2)
    magnitude = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    around = cv2.GaussianBlur(magnitude, (0, 0), 20)
    strength: NDArray[np.float32] = np.clip(magnitude / (3 * around + 8), 0, 1)
    return strength


def _checkerboard(thermal: Image8, scene: Image8) -> Image8:
    height, width = scene.shape
    tile = max(8, width // _TILES)
    y, x = np.indices((height, width)) // tile
    mixed = np.where((x + y) % 2 == 0, cv2.equalizeHist(thermal), cv2.equalizeHist(scene))
    return np.repeat(mixed[..., None], 3, axis=2).astype(np.uint8)


def _title(text: str, width: int) -> Image8:
    bar = np.zeros((_CAPTION, width, 3), np.uint8)
    cv2.putText(bar, text, (8, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
    return bar
