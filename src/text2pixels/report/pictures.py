"""The report's pictures: sources and fused images in colour, small enough to browse."""

from pathlib import Path
from typing import TypeVar

import cv2

from text2pixels import layout
from text2pixels.datasets.manifest import Pair
from text2pixels.image.colour import Image8, restore_colour
from text2pixels.image.png import read_gray, read_rgb

Item = TypeVar("Item")

THUMBNAIL = 240  # pixels, width
QUALITY = 90  # of WebP in the viewer, where one looks for artefacts


def spread(pairs: list[Item], number: int) -> list[Item]:
    """Take pairs evenly from the whole list, so that a gallery is no selection."""
    if len(pairs) <= number:
        return pairs
    return [pairs[index * len(pairs) // number] for index in range(number)]


def write_pictures(folder: Path, pair: Pair, methods: list[str]) -> None:
    """Write full-size WebP of both sources and of every method, and a thumbnail of each."""
    source = layout.processed(pair.dataset)
    infrared, visible = read_gray(source / pair.infrared), read_rgb(source / pair.visible)
    images = {"infrared": infrared, "visible": visible}
    for method in methods:
        if method not in images:
            fused = read_gray(layout.fused(pair.dataset, method) / f"{pair.name}.png")
            images[method] = restore_colour(fused, visible)
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        write_webp(folder / f"{name}.webp", image)
        height = max(1, round(image.shape[0] * THUMBNAIL / image.shape[1]))
        small = cv2.resize(image, (THUMBNAIL, height), interpolation=cv2.INTER_AREA)
        write_webp(folder / f"{name}.small.webp", small)


def write_webp(path: Path, image: Image8) -> None:
    """Write gray (H, W) or RGB (H, W, 3) as WebP."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes())
