"""One COCO file: what it says of every image that it lists. An odd entry is left out; the rest of the file is read."""

import json
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from text2pixels.datasets.adapter import Labels, Problem, Stray
from text2pixels.datasets.manifest import TIMES_OF_DAY
from text2pixels.errors import InputError
from text2pixels.files import check_size
from text2pixels.image.boxes import Box

_LARGEST = 1_000_000_000  # bytes; the file is read as a whole, which takes about ten times as much memory


@dataclass
class Entry:
    """An image of the file: ``file`` as listed, its folders in lower case, and what was drawn on it."""

    file: str
    folders: tuple[str, ...]
    width: int | None
    height: int | None
    time_of_day: str | None
    boxes: list[Box] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    used: bool = False  # a pair has these labels

    def labels(self) -> Labels:
        """Return the boxes, in pixels of an image of the listed size."""
        return Labels(tuple(self.boxes), self.width, self.height, faults=tuple(self.faults))


class Coco:
    """The entries of a COCO file by image, and those that cannot be used (`strays`).

    Raises:
        InputError: unreadable, or not COCO: without it the whole set would silently lose its labels.
    """

    def __init__(self, path: Path) -> None:
        check_size(path, _LARGEST)
        self._path = path
        self._strays: list[Stray] = []
        self.entries: dict[str, Entry] = {}  # by file as listed
        self._named: dict[str, list[Entry]] = {}  # by file name without folders
        try:
            data = json.loads(path.read_bytes(), object_pairs_hook=_once)
            images, annotations, categories = (_list(data, key) for key in ("images", "annotations", "categories"))
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"{path} is not a COCO annotation file ({type(error).__name__}: {' '.join(str(error).split())}); "
                "expected images, annotations and categories"
            ) from error
        entries = self._read_images(images)
        self._read_annotations(annotations, entries, _names(categories))

    def find(self, file: Path, single: bool) -> Entry | None:
        """Return the entry of an image.

        Of several entries with one file name, it is the one that has most folders in common with the image. Where only
        one image and one entry have the name, the folders may differ: they are often those of another machine.

        Args:
            file: path relative to the data set's root.
            single: no other image of the data set has this file name.
        """
        own = {part.casefold() for part in file.parent.parts}
        scored = []
        for entry in self._named.get(file.name, []):
            common = sum(folder in own for folder in entry.folders)
            scored.append((common, common - len(entry.folders), entry))
        scored.sort(key=lambda score: score[:2], reverse=True)
        if not scored or (len(scored) > 1 and scored[0][:2] == scored[1][:2]):
            return None
        common, foreign, best = scored[0]
        return best if foreign == 0 or common or (single and len(scored) == 1) else None

    def strays(self, contested: Mapping[str, int]) -> Iterator[Stray]:
        """Yield what belongs to no pair; call it after `find` for every pair.

        Args:
            contested: entries, by file, that fit several pairs alike, and how many.
        """
        yield from self._strays
        for name in sorted(self._named):
            for entry in self._named[name]:
                if entry.used:
                    continue
                reason, why = "unpaired", "which is no image of a pair, or whose pair has labels"
                if pairs := contested.get(entry.file):
                    reason, why = "ambiguous", f"which may be of {pairs} pairs: list it with its folder"
                detail = f"{self._path.name} lists {entry.file}, {why}"
                yield Stray(Path(name).stem, "labels", reason, detail, len(entry.boxes) + len(entry.faults))

    def _read_images(self, images: list[Any]) -> dict[int | float | str, Entry]:
        entries: dict[int | float | str, Entry] = {}
        files = set()
        for number, said in enumerate(images):
            where = f"{self._path.name}: images[{number}]"
            file, key = (said.get("file_name"), _key(said.get("id"))) if isinstance(said, dict) else (None, None)
            file = file if isinstance(file, str) else ""
            parts = PureWindowsPath(file).parts  # which splits at either slash
            if key is None or not parts:
                fault = Stray(self._path.stem, "labels", "label_unreadable", f"{where} has no file_name or no id")
                self._strays.append(fault)
                continue
            if key in entries or parts in files:
                twice = f"{where}: id {key!r} or file {file!r} is listed before"
                self._strays.append(Stray(Path(parts[-1]).stem, "labels", "ambiguous", twice))
                continue
            files.add(parts)
            time = said.get("time_of_day")
            entries[key] = Entry(
                file=file,
                folders=tuple(part.casefold() for part in parts[:-1]),
                width=_side(said.get("width")),
                height=_side(said.get("height")),
                time_of_day=time if isinstance(time, str) and time in TIMES_OF_DAY[:2] else None,
            )
            self.entries[file] = entries[key]
            self._named.setdefault(parts[-1], []).append(entries[key])
        return entries

    def _read_annotations(
        self, annotations: list[Any], entries: dict[int | float | str, Entry], names: dict[int | float | str, str]
    ) -> None:
        for number, said in enumerate(annotations):
            where = f"{self._path.name}: annotations[{number}]"
            image = said.get("image_id") if isinstance(said, dict) else None
            key = _key(image)
            entry = None if key is None else entries.get(key)
            if entry is None:
                detail = f"{where} is of image {reprlib.repr(image)}, which is none of the images"
                self._strays.append(Stray(self._path.stem, "box", "box_unlisted", detail))
                continue
            box, category = _numbers(said.get("bbox")), _key(said.get("category_id"))
            name = None if category is None else names.get(category)
            if said.get("iscrowd") in (1, "1"):
                entry.faults.append(("box_crowd", where))
            elif box is None:
                found = f"bbox is {reprlib.repr(said['bbox'])}" if "bbox" in said else "has no bbox"
                entry.faults.append(("box_malformed", f"{where} {found}, expected four numbers: x, y, width, height"))
            elif name is None:
                what = f"{where} has category {reprlib.repr(said.get('category_id'))}, which is none of the categories"
                entry.faults.append(("class_unknown", what))
            else:
                entry.boxes.append(Box(name, *box))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object without the keys that it holds twice, as nobody knows which value is meant.

    Raises:
        ValueError: one of them is a whole list of the file.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        for key in [key for key in found if keys.count(key) > 1]:
            if key in ("images", "annotations", "categories"):
                raise ValueError(f"the key {key!r} is there twice")
            del found[key]
    return found


def _list(data: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(data[key], list):
        raise TypeError(f"{key} is no list")
    return list(data[key])


def _key(value: object) -> int | float | str | None:
    """Return an id that entries can be found by; None for anything else."""
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def _names(categories: list[Any]) -> dict[int | float | str, str]:
    """Return the names of the categories that have both id and name, and no other's id."""
    names: dict[int | float | str, str] = {}
    ambiguous = set()
    for said in categories:
        key = _key(said.get("id")) if isinstance(said, dict) else None
        if key is not None and said.get("name") is not None:
            name = str(said["name"])
            if names.setdefault(key, name) != name:
                ambiguous.add(key)
    return {key: name for key, name in names.items() if key not in ambiguous}


def _side(value: object) -> int | None:
    """Return a side of an image in pixels; None where nothing usable is said."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # as written from a table with a column of floats
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _numbers(value: object) -> tuple[float, float, float, float] | None:
    """Return the four numbers of a box; None for anything else."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in value):
        return None
    try:
        x, y, w, h = map(float, value)
    except OverflowError:  # an integer beyond every float
        return None
    return x, y, w, h
