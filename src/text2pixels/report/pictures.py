"""The report's pictures: pairs in galleries, and the cuttings and found boxes of the page `paper`.

Which pair and which cutting the page `paper` shows is a rule, so that no picture is chosen by hand: see `choose` and
`cutting`.

Shapes: H, W image; 3 RGB channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from text2pixels import config, layout
from text2pixels.analysis import detection
from text2pixels.analysis.results import DatasetResults
from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.image.colour import Image8, restore_colour
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.card import Card
from text2pixels.methods.catalogue import load_model
from text2pixels.methods.convention import round_output
from text2pixels.sampling import spread

THUMBNAIL = 240  # pixels, width
WIDTH = 480  # pixels, of pictures that stand side by side
QUALITY = 90  # of WebP, high enough to look for artefacts of a method
_SHARE = 0.4  # of either side: a cutting
_FRAME = (255, 212, 0)
_FONT, _LETTERS = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def sources(pair: Pair) -> tuple[Image8, Image8]:
    """Read the infrared image (H, W) and the visible one (H, W, 3) of a registered pair."""
    source = layout.processed(pair.dataset)
    return read_gray(source / pair.infrared), read_rgb(source / pair.visible)


def write_webp(path: Path, image: Image8, width: int | None = None) -> None:
    """Write gray (H, W) or RGB (H, W, 3) as WebP, shrunk to a width in pixels where it is wider."""
    if width is not None and image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes())


class WithoutText:
    """Networks that read text, to fuse pairs without any, so that a reader sees what the text changes.

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
    infrared, visible = sources(pair)
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


@dataclass(frozen=True)
class Strip:
    """One pair by several methods.

    Attributes:
        dataset: Title of the data set.
        pair: Name of the pair.
        pictures: Label and file, relative to the site, of each picture.
    """

    dataset: str
    pair: str
    pictures: tuple[tuple[str, str], ...]


def choose(data: DatasetResults, number: int = 1) -> list[Pair]:
    """Return test pairs to show: those with most boxes; of a set without boxes, evenly from the list."""
    labelled = sorted((pair for pair in data.test if pair.boxes), key=lambda pair: -len(pair.boxes))
    return labelled[:number] or spread(data.test, number)


def cutting(infrared_HW: Image8, visible_HW3: Image8) -> tuple[slice, slice]:
    """Return rows and columns of the window in which the infrared outshines the visible by most, in sum."""
    height, width = infrared_HW.shape
    rows, columns = (max(1, round(side * _SHARE)) for side in (height, width))
    excess_HW = cv2.subtract(infrared_HW, cv2.cvtColor(visible_HW3, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    means_HW = cv2.boxFilter(excess_HW, -1, (columns, rows), anchor=(0, 0))
    means_HW = means_HW[: height - rows + 1, : width - columns + 1]
    top, left = np.unravel_index(int(means_HW.argmax()), means_HW.shape)
    return slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)


def write_cuttings(
    site: Path,
    figure: str,
    data: DatasetResults,
    methods: Iterable[tuple[str, str]],
    without_text: WithoutText | None = None,
) -> Strip:
    """Write the same cutting of one pair by each method, and before them the visible image with its frame.

    Args:
        site: Folder of the site.
        figure: Name of a folder below images/paper.
        data: Of the pair.
        methods: Label and method.
        without_text: Networks whose image of the pair without a prompt is shown last.
    """
    pair = choose(data)[0]
    infrared, visible = sources(pair)
    rows, columns = cutting(infrared, visible)
    frame = Box("", columns.start, rows.start, columns.stop - columns.start - 1, rows.stop - rows.start - 1)
    images = [("the visible image, with the part shown framed", "whole", _draw(visible, [frame]))]
    for label, method in methods:
        images.append((label, method, _sized(_picture(pair, method, infrared, visible)[rows, columns])))
    if without_text:
        fused = without_text.fuse(infrared, visible)
        for name, label in without_text.names.items():
            images.append((label, name, _sized(restore_colour(fused[name], visible)[rows, columns])))
    return _write(site, figure, data, pair, images)


def write_detections(
    site: Path, figure: str, data: DatasetResults, methods: Iterable[tuple[str, str]], number: int
) -> list[Strip]:
    """Write pairs with the boxes that the detector in folds found in each method's image.

    Args:
        site: Folder of the site.
        figure: Name of a folder below images/paper.
        data: With detections.
        methods: Label and method.
        number: Of pairs.
    """
    chosen = choose(data, number)
    ids = [pair.pair_id for pair in chosen]
    methods = list(methods)
    found = {method: detection.drawn(data.detections[method], ids) for _, method in methods}
    strips = []
    for pair in chosen:
        infrared, visible = sources(pair)
        images = [("labelled boxes", "labelled", _draw(visible, pair.boxes))]
        for label, method in methods:
            rows = found[method].get(pair.pair_id, [])
            boxes = [Box(row["category"], row["x"], row["y"], row["w"], row["h"]) for row in rows]
            images.append((label, method, _draw(_picture(pair, method, infrared, visible), boxes)))
        strips.append(_write(site, figure, data, pair, images))
    return strips


def _picture(pair: Pair, method: str, infrared: Image8, visible: Image8) -> Image8:
    if method in ("infrared", "visible"):
        return visible if method == "visible" else np.repeat(infrared[..., None], 3, axis=2)
    return restore_colour(read_gray(layout.fused(pair.dataset, method) / f"{pair.name}.png"), visible)


def _draw(image: Image8, boxes: Sequence[Box]) -> Image8:
    """Return the picture as it is written, with its boxes; a name that would cover another is left out."""
    drawn = _sized(image)
    scale = drawn.shape[1] / image.shape[1]
    named = np.zeros(drawn.shape[:2], bool)
    for box in sorted(boxes, key=lambda box: -box.w * box.h):
        left, top, right, bottom = (round(scale * edge) for edge in (box.x, box.y, box.x + box.w, box.y + box.h))
        cv2.rectangle(drawn, (left, top), (right, bottom), _FRAME, 1)
        (width, height), _ = cv2.getTextSize(box.category, _FONT, _LETTERS, 1)
        left, foot = min(max(0, left), max(0, drawn.shape[1] - width)), top - 3 if top > height + 4 else bottom + height
        place = (slice(max(0, foot - height), foot + 1), slice(left, left + width))
        if named[place].any():
            continue
        named[place] = True
        for ink, line in (((0, 0, 0), 3), (_FRAME, 1)):  # a dark rim: legible on any ground
            cv2.putText(drawn, box.category, (left, foot), _FONT, _LETTERS, ink, line, cv2.LINE_AA)
    return drawn


def _sized(image: Image8) -> Image8:
    """Return a copy `WIDTH` wide."""
    size = (WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1])))
    method = cv2.INTER_AREA if image.shape[1] > WIDTH else cv2.INTER_CUBIC
    sized: Image8 = cv2.resize(image, size, interpolation=method)
    return sized


def _write(
    site: Path, figure: str, data: DatasetResults, pair: Pair, images: Iterable[tuple[str, str, Image8]]
) -> Strip:
    folder = Path("images/paper") / figure / data.name / pair.name
    (site / folder).mkdir(parents=True, exist_ok=True)
    pictures = []
    for label, name, image in images:
        write_webp(site / folder / f"{name}.webp", image)
        pictures.append((label, (folder / f"{name}.webp").as_posix()))
    return Strip(data.adapter.title, pair.name, tuple(pictures))
