"""Reading the label file of one image: Pascal VOC and YOLO, to boxes (left, top, width, height). COCO is coco.py.

VOC corners are taken as continuous coordinates, x = xmin, w = xmax - xmin: the tools that drew the
boxes of these sets (LabelImg and its kin) count from 0, unlike the original Pascal annotations.
"""

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from text2pixels.datasets.adapter import LabelFile, Labels, Problem
from text2pixels.datasets.text import decode
from text2pixels.image.boxes import Box

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


class Unlabelled(Exception):
    """A label file that cannot be read; the message names the file and the fault."""


def read_labels(file: LabelFile) -> Labels:
    """Read the label file of one image.

    Raises:
        Unlabelled: not a file of the declared format.
    """
    path = Path(file.path)
    try:
        data = path.read_bytes()
        return _voc(data) if file.format == "voc" else _yolo(decode(data), file.names)
    except OSError as error:
        raise Unlabelled(f"{path.name}: {error.strerror}") from error
    except (ValueError, LookupError, ElementTree.ParseError) as error:  # LookupError: an encoding Python lacks
        raise Unlabelled(f"{path.name}: {' '.join(str(error).split())}") from error


def _voc(data: bytes) -> Labels:
    declared = _DECLARED.match(data)
    text = decode(data, declared.group(1).decode() if declared else "utf-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("declares entities, which no annotation needs")  # the billion-laughs attack
    root = ElementTree.fromstring(text)
    if root.tag != "annotation":
        raise ValueError(f"<{root.tag}> where VOC has <annotation>")
    boxes = []
    for entry in root.iter("object"):
        left, top, right, bottom = (_number(entry, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
        boxes.append(Box((entry.findtext("name") or "").strip(), left, top, right - left, bottom - top))
    return Labels(tuple(boxes), _side(root, "width"), _side(root, "height"))


def _side(root: ElementTree.Element, name: str) -> int | None:
    """Return a side of the image in pixels; None where the file does not say, which some tools write as 0."""
    value = float(root.findtext(f"size/{name}") or 0)
    if not math.isfinite(value):
        raise ValueError(f"size/{name} is {value}, expected pixels")
    return int(value) or None


def _number(entry: ElementTree.Element, path: str) -> float:
    text = entry.findtext(path)
    if text is None:
        raise ValueError(f"an object without {path}")
    return float(text)


def _yolo(text: str, names: tuple[str, ...]) -> Labels:
    boxes: list[Box] = []
    faults: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (5, 6):  # a sixth is a confidence
            raise ValueError(f"line {number} has {len(parts)} values, expected class x y w h")
        index = int(parts[0])
        x, y, w, h = map(float, parts[1:5])
        if 0 <= index < len(names):
            boxes.append(Box(names[index], x - w / 2, y - h / 2, w, h))
        else:
            known = ", ".join(f"{place} {name}" for place, name in enumerate(names))
            faults.append(("class_unknown", f"line {number}: class {index}; known: {known}"))
    return Labels(tuple(boxes), normalised=True, faults=tuple(faults))
