"""The report's pictures: sources and fused images in colour, small enough to browse."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import cv2

from text2pixels import config, layout
from text2pixels.datasets.manifest import Pair
from text2pixels.image.colour import Image8, restore_colour
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.card import Card
from text2pixels.methods.catalogue import load_model
from text2pixels.methods.convention import round_output

Item = TypeVar("Item")

THUMBNAIL = 240  # pixels, width
QUALITY = 90  # of WebP in the viewer, where one looks for artefacts


def spread(pairs: list[Item], number: int) -> list[Item]:
    """Take pairs evenly from the whole list, so that a gallery is no selection."""
    if len(pairs) <= number:
        return pairs
    return [pairs[index * len(pairs) // number] for index in range(number)]


class WithoutText:
    """Networks that read text, to fuse pairs without any: what the text does, one sees beside them.

    Args:
        methods: with a model; one whose card says that it reads no text is left out.
        cards: of the methods.
        params: sections fuse, embed.

    Attributes:
        names: file stem -> label, of the pictures that there will be.
    """

    def __init__(self, methods: Sequence[str], cards: Mapping[str, Card], params: config.Params) -> None:
        reading = [name for name in methods if cards[name].text]
        self._models = {name: load_model(layout.model(name), params.fuse.device, params.embed) for name in reading}
        # No method's name has a dot.
        self.names = {f"{name}.without-text": f"{name}, without text" for name in reading}

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8) -> dict[str, Image8]:
        """Return the fused images, as `names` calls them."""
        fused = [round_output(model.card, model.fuse(infrared_HW, visible_HW3)) for model in self._models.values()]
        return dict(zip(self.names, fused, strict=True))


def write_pictures(folder: Path, pair: Pair, methods: Sequence[str], without_text: WithoutText) -> None:
    """Write full-size WebP of both sources, of every method, and of networks without text; and a thumbnail of each."""
    source = layout.processed(pair.dataset)
    infrared, visible = read_gray(source / pair.infrared), read_rgb(source / pair.visible)
    images = {"infrared": infrared, "visible": visible}
    for method in methods:
        if method not in images:
            fused = read_gray(layout.fused(pair.dataset, method) / f"{pair.name}.png")
            images[method] = restore_colour(fused, visible)
    images |= {name: restore_colour(fused, visible) for name, fused in without_text.fuse(infrared, visible).items()}
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
