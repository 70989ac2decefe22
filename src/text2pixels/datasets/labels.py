"""The labels of a set: which belong to which pair, how a label file is read, and which boxes are valid on the image.

Pascal VOC and YOLO are read here, COCO by `coco`. VOC corners are taken as continuous coordinates, x = xmin,
w = xmax - xmin: the tools that drew the boxes of these sets (LabelImg and its kin) count from 0, unlike the
original Pascal annotations.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from text2pixels.datasets.adapter import Adapter, LabelFile, Labels, Problem, Stray
from text2pixels.datasets.coco import Coco
from text2pixels.datasets.places import Part, is_litter, label_place, link, list_folder
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.text_files import decode, read_bytes, read_text

Key = tuple[str, ...]  # folders that tell a pair, or its label file, from others of its name, and the name

TYPES = {"voc": ".xml", "yolo": ".txt"}
CLASSES_FILE = "classes.txt"  # beside YOLO labels: one name a line
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
OVERHANG = 2.0  # pixels beyond the image that count as rounding and are cut off; a box that reaches further is wrong


class Annotations:
    """The labels of one part, or of several parts that share a folder of labels, as those of LLVIP do.

    Args:
        adapter: names the classes of YOLO's numbers.
        part: of the set.
        root: of the whole set.

    Raises:
        InputError: a file given as COCO that is not COCO.
    """

    def __init__(self, adapter: Adapter, part: Part, root: Path) -> None:
        self._adapter, self._layout, self._root = adapter, part.layout, root
        self._files: dict[Key, str] = {}
        self._stems: dict[str, list[Key]] = {}
        self._strays: list[Stray] = []
        self._coco: Coco | None = None
        # Of a label file, by its key, or of an entry, by its file: the least distance of a pair, and the pairs at it.
        self._claims: dict[Key | str, tuple[int, int]] = {}
        place = label_place(part, root)
        if place is None or self._layout.format is None:
            return
        if self._layout.format == "coco":
            self._coco = Coco(place)
            return
        # Labels beside the images, or above them, share their folder with files that are no labels.
        above = any(place in folder.parents for folder in part.folders())
        shared = above or place in part.folders()
        self._gather(place, (), alone=not shared, nested=self._layout.nested and not above)

    def expect(self, keys: Sequence[Key], images: Sequence[str]) -> None:
        """Count one of several pairs of a name among those whose labels may be meant; call it for all before `of`.

        Args:
            keys: see `of`.
            images: see `of`.
        """
        for labels, distance in self._fitting(keys, images, single=False).items():
            least, pairs = self._claims.get(labels, (distance, 0))
            if distance < least:
                least, pairs = distance, 0
            self._claims[labels] = least, pairs + (distance == least)

    def of(
        self, keys: Sequence[Key], images: Sequence[str], single: bool
    ) -> tuple[LabelFile | Labels | None, str | None]:
        """Return the labels of a pair and the time of day that they state.

        Labels that are as near to another pair are nobody's: which one is meant is not said.

        Args:
            keys: folders and stem under which a label file of the pair may lie, likeliest first.
            images: the pair's files, the one on which boxes are drawn first.
            single: no other pair has images of these names.
        """
        for labels, distance in self._fitting(keys, images, single).items():
            if not single and self._claims.get(labels) != (distance, 1):
                continue
            if isinstance(labels, str):
                assert self._coco is not None
                entry = self._coco.entries[labels]
                entry.used = True
                return entry.labels(), entry.time_of_day
            assert self._layout.format is not None
            return LabelFile(self._files.pop(labels), self._layout.format, self._adapter.yolo_names), None
        return None, None

    def _fitting(self, keys: Sequence[Key], images: Sequence[str], single: bool) -> dict[Key | str, int]:
        """Return what may label a pair, likeliest first: keys of label files or files of entries that no pair has yet.

        The number is the distance: how many folders of the pair it does not name.
        """
        found: dict[Key | str, int] = {}
        if self._coco is not None:
            for image in images:
                file = Path(image).relative_to(self._root)
                entry = self._coco.find(file, single)
                if entry is not None and not entry.used:
                    distance = sum(folder.casefold() not in entry.folders for folder in file.parent.parts)
                    found[entry.file] = min(distance, found.get(entry.file, distance))
            return found
        if single:
            # In any folder: no other label file and no other pair has this name.
            stems = dict.fromkeys(key[-1] for key in keys)
            keys = [*keys, *(self._stems[stem][0] for stem in stems if len(self._stems.get(stem, ())) == 1)]
        deepest = max(map(len, keys))
        for key in keys:
            if key in self._files:
                found[key] = deepest - len(key)
        return found

    def strays(self) -> Iterator[Stray]:
        """Yield what belongs to no pair; call it after `of` for every pair."""
        yield from self._strays
        for key, path in sorted(self._files.items()):
            name, (_, pairs) = Path(path).name, self._claims.get(key, (0, 0))
            if pairs > 1:
                detail = f"{name} may label {pairs} pairs of that name: put it into the folder of its pair"
                yield Stray("_".join(key), "labels", "ambiguous", detail)
            else:
                yield Stray("_".join(key), "labels", "unpaired", f"{name} labels no image, or its pair has labels")
        if self._coco is not None:
            yield from self._coco.strays(
                {file: pairs for file, (_, pairs) in self._claims.items() if isinstance(file, str) and pairs > 1}
            )

    def _gather(self, folder: Path, below: tuple[str, ...], alone: bool, nested: bool) -> None:
        listing = list_folder(folder)
        ending = TYPES[str(self._layout.format)]
        for name in sorted((*listing.images, *listing.others)):
            stem, suffix = Path(name).stem, Path(name).suffix
            if suffix.lower() == ending and name != CLASSES_FILE and not is_litter(name):
                key = (*below, stem.removesuffix(self._layout.label_suffix))
                if key in self._files:
                    detail = f"{name} labels the same image as {Path(self._files[key]).name}, which is read"
                    self._strays.append(Stray(stem, "labels", "ambiguous", detail))
                    continue
                self._files[key] = str(folder / name)
                self._stems.setdefault(key[-1], []).append(key)
            elif alone and name != CLASSES_FILE and not is_litter(name):
                where = "/".join((folder.name, name))
                detail = f"{where}: {self._layout.format} labels end in {ending}"
                self._strays.append(Stray(stem, "file", "not_a_label", detail))
        for name in listing.irregular if alone else ():
            self._strays.append(Stray(Path(name).stem, "file", "not_regular", f"{folder.name}/{name}"))
        self._strays += [link(folder / name, self._root) for name in listing.links if alone]
        for name in listing.folders if nested else ():
            self._gather(folder / name, (*below, name), alone, nested)


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the names that YOLO's numbers stand for, one a line.

    Raises:
        InputError: it cannot be read, an empty line stands between names, or a line holds several names or a number.
    """
    names = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if "" in names:
        # Some tools count an empty line, others do not: every number behind it would be another class.
        raise InputError(f"{path}: line {names.index('') + 1} is empty: remove it, or name the class of that number")
    if len(names) > 1 and all(re.match(rf"{number}\W", name) for number, name in enumerate(names)):
        raise InputError(f"{path}: {names[0]!r:.80} holds its number: write the name alone")
    for name in names:
        if mark := next((mark for mark in ";,\t" if mark in name), None):
            raise InputError(f"{path}: {name!r:.80} holds {mark!r}: write one name a line")
    return tuple(names)


class Unlabelled(Exception):
    """A label file that cannot be read; the message names the file and the fault."""


def read_labels(file: LabelFile) -> Labels:
    """Read the label file of one image.

    Raises:
        Unlabelled: not a file of the declared format.
    """
    path = Path(file.path)
    try:
        data = read_bytes(path)
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


def check_boxes(labels: Labels, width: int, height: int, classes: Mapping[str, str]) -> tuple[list[Box], list[Problem]]:
    """Return the valid boxes, clipped to the image and with the manifest's categories, and the faults of the others.

    Args:
        labels: boxes as the publisher drew them.
        width: of the visible image, pixels.
        height: of the visible image, pixels.
        classes: the publisher's category to the manifest's. Empty: every category is taken as it is.
    """
    good: dict[Box, None] = {}  # a set that keeps the order
    faults: list[Problem] = list(labels.faults)
    across, down = (width, height) if labels.normalised else (1, 1)
    for raw in labels.boxes:
        box = Box(classes.get(raw.category, raw.category), raw.x * across, raw.y * down, raw.w * across, raw.h * down)
        clipped = _clip(box, width, height)
        fault = _fault(raw.category, box, clipped, width, height, classes)
        if fault is None and clipped in good:
            fault = "box_duplicate"
        if fault is None:
            good[clipped] = None
        else:
            what = f"{raw.category} x={box.x:.1f} y={box.y:.1f} w={box.w:.1f} h={box.h:.1f} in {width}x{height}"
            expected = f"; known: {', '.join(classes)}" if fault == "class_unknown" and classes else ""
            faults.append((fault, what + expected))
    return list(good), faults


def _fault(name: str, box: Box, clipped: Box, width: int, height: int, classes: Mapping[str, str]) -> str | None:
    if not name or (classes and name not in classes) or not _is_text(name):
        return "class_unknown"
    if not all(map(math.isfinite, (box.x, box.y, box.w, box.h))) or box.w <= 0 or box.h <= 0:
        return "box_empty"
    if max(-box.x, -box.y, box.x + box.w - width, box.y + box.h - height) > OVERHANG:
        return "box_outside"
    return "box_empty" if clipped.w <= 0 or clipped.h <= 0 else None


def _is_text(name: str) -> bool:
    """Tell whether a name can be encoded: JSON can hold lone surrogates, which UTF-8 cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clip(box: Box, width: int, height: int) -> Box:
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    return Box(box.category, left, top, min(box.x + box.w, width) - left, min(box.y + box.h, height) - top)
