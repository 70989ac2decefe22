"""Reading boxes: COCO, Pascal VOC and YOLO, to pixels (left, top, width, height).

VOC corners are taken as continuous coordinates, x = xmin, w = xmax - xmin: the tools that drew the
boxes of these sets (LabelImg and its kin) count from 0, unlike the original Pascal annotations.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from text2pixels.datasets.adapter import LabelFile, Labels
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box


class Unlabelled(Exception):
    """A label file that cannot be read; the message names the file and the fault."""


def read_labels(file: LabelFile) -> Labels:
    """Read the label file of one image.

    Raises:
        Unlabelled: not a file of the declared format.
    """
    path = Path(file.path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return _voc(text) if file.format == "voc" else _yolo(text, file.names)
    except OSError as error:
        raise Unlabelled(f"{path.name}: {error.strerror}") from error
    except (ValueError, ElementTree.ParseError) as error:  # UnicodeDecodeError is a ValueError
        raise Unlabelled(f"{path.name}: {' '.join(str(error).split())}") from error


def _voc(text: str) -> Labels:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("declares entities, which no annotation needs")  # the billion-laughs attack
    root = ElementTree.fromstring(text)
    if root.tag != "annotation":
        raise ValueError(f"<{root.tag}> where VOC has <annotation>")
    boxes = []
    for entry in root.iter("object"):
        left, top, right, bottom = (_number(entry, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
        boxes.append(Box((entry.findtext("name") or "").strip(), left, top, right - left, bottom - top))
    # Some tools write a size of 0: not known.
    width, height = (int(float(root.findtext(f"size/{side}") or 0)) or None for side in ("width", "height"))
    return Labels(tuple(boxes), width, height)


def _number(entry: ElementTree.Element, path: str) -> float:
    text = entry.findtext(path)
    if text is None:
        raise ValueError(f"an object without {path}")
    return float(text)


def _yolo(text: str, names: tuple[str, ...]) -> Labels:
    boxes = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (5, 6):  # a sixth is a confidence
            raise ValueError(f"line {number} has {len(parts)} values, expected class x y w h")
        index = int(parts[0])
        x, y, w, h = map(float, parts[1:5])
        # A class number without a name keeps its number, and is quarantined as unknown.
        name = names[index] if 0 <= index < len(names) else str(index)
        boxes.append(Box(name, x - w / 2, y - h / 2, w, h))
    return Labels(tuple(boxes), normalised=True)


class Coco:
    """One COCO file: the labels, and the attributes, of every image it lists, by file name.

    Raises:
        InputError: unreadable, or not COCO: without it the whole set would silently lose its labels.
    """

    def __init__(self, path: Path) -> None:
        try:
            data = json.loads(path.read_bytes())
            names = {entry["id"]: str(entry["name"]) for entry in data["categories"]}
            self.images: dict[str, dict[str, Any]] = {Path(entry["file_name"]).name: entry for entry in data["images"]}
            self._boxes: dict[Any, list[Box]] = {entry["id"]: [] for entry in data["images"]}
            self._crowds: dict[Any, int] = {}
            for entry in data["annotations"]:
                image = entry["image_id"]
                if entry.get("iscrowd"):
                    self._crowds[image] = self._crowds.get(image, 0) + 1
                    continue
                x, y, w, h = (float(value) if value is not None else math.nan for value in entry["bbox"])
                self._boxes[image].append(Box(names.get(entry["category_id"], str(entry["category_id"])), x, y, w, h))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path} is not a COCO annotation file ({type(error).__name__}: {' '.join(str(error).split())}); "
                "expected images, annotations and categories"
            ) from error

    def labels(self, file_name: str) -> Labels | None:
        """Return what the file says of an image; None where it does not list it."""
        entry = self.images.get(file_name)
        if entry is None:
            return None
        boxes = tuple(self._boxes[entry["id"]])
        return Labels(boxes, entry.get("width"), entry.get("height"), crowds=self._crowds.get(entry["id"], 0))

    def unused(self, file_names: Iterable[str]) -> list[str]:
        """Return the file names that the annotations list and the folder lacks."""
        return sorted(set(self.images) - set(file_names))
