"""From folders to candidate pairs: the reader of every data set whose layout a table can express."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2pixels.datasets.adapter import IMAGE_TYPES, Adapter, Candidate, LabelFile, Labels, Layout, Stray
from text2pixels.datasets.labels import Coco
from text2pixels.datasets.manifest import TIMES_OF_DAY
from text2pixels.errors import InputError

DEPTH = 2  # folders that an archive may wrap around the set
LABEL_TYPES = {"voc": ".xml", "yolo": ".txt"}
LONGEST_NAME = 200  # bytes; with ".png" and a temporary suffix below the 255 of every file system


@dataclass
class _Entry:
    """What was found under one name."""

    part: int = 0
    infrared: list[str] = field(default_factory=list)
    visible: list[str] = field(default_factory=list)


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the candidate pairs of a set by name, and the files that belong to none.

    Raises:
        InputError: none of the adapter's layouts is below ``root``.
    """
    base, layouts = locate(adapter, root)
    yield from pair_up(adapter, base, layouts)


def locate(adapter: Adapter, root: Path) -> tuple[Path, tuple[Layout, ...]]:
    """Return the folder at or below ``root`` that holds the set, and the parts that are there.

    Raises:
        InputError: nothing there looks like the set; the message says what was expected and found.
    """
    level = [root]
    for _ in range(DEPTH + 1):
        for base in level:
            for layouts in adapter.layouts:
                parts = tuple(part for part in layouts if inside(base, part.infrared) and inside(base, part.visible))
                if parts:
                    return base, parts
        level = sorted(child for base in level for child in base.iterdir() if child.is_dir())
    expected = " or ".join(f"{layouts[0].infrared}/ and {layouts[0].visible}/" for layouts in adapter.layouts)
    found = ", ".join(sorted(child.name for child in root.iterdir())[:8]) or "nothing"
    raise InputError(f"{root} does not hold {adapter.title}: expected {expected}, found {found}")


def pair_up(adapter: Adapter, base: Path, layouts: tuple[Layout, ...]) -> Iterator[Candidate | Stray]:
    """Yield the pairs of the given parts, sorted by name."""
    entries: dict[str, _Entry] = {}
    for number, layout in enumerate(layouts):
        yield from _gather(base, number, layout, entries)
    # Parts may share their labels (LLVIP): what one does not use, another does.
    sources = {(layout.labels, layout.label_suffix): _LabelSource(adapter, base, layout) for layout in layouts}
    labels = [sources[layout.labels, layout.label_suffix] for layout in layouts]
    for name in sorted(entries):
        entry = entries.pop(name)  # the list shrinks as the pairs go out
        infrared, visible = entry.infrared[:1], entry.visible[:1]
        source = labels[entry.part]
        found = source.of(name, [*infrared, *visible])
        yield Candidate(
            name=name,
            infrared=infrared[0] if infrared else None,
            visible=visible[0] if visible else None,
            labels=found,
            split=layouts[entry.part].split,
            scene=adapter.scene(name),
            time_of_day=source.time_of_day([*infrared, *visible]) or adapter.time_of_day(name),
            problem=_problem(name, entry),
        )
    for source in sources.values():
        yield from source.orphans()


def inside(base: Path, relative: str) -> Path | None:
    """Return ``base / relative`` with folder names matched in any case; None where it is missing."""
    path = base
    for part in Path(relative).parts:
        exact = path / part
        if not exact.exists():
            near = [child for child in path.iterdir() if child.name.lower() == part.lower()] if path.is_dir() else []
            if not near:
                return None
            exact = sorted(near)[0]
        path = exact
    return path


def images(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of a folder's images and of its other files, sorted."""
    names = sorted(child.name for child in folder.iterdir() if not child.is_dir())  # a dangling link counts
    good = [name for name in names if name.lower().endswith(IMAGE_TYPES) and not name.startswith("._")]
    return good, sorted(set(names) - set(good))


def unsafe(name: str) -> str | None:
    """Return why a pair cannot bear this name, or None."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return f"{name!r} is not UTF-8"
    if size > LONGEST_NAME:
        return f"'{name[:40]}…' has {size} bytes, at most {LONGEST_NAME}"
    if not name.isprintable() or not name.strip() or name[0] == "." or set(name) & set('/\\:*?"<>|'):
        return f"{name!r} has characters that file systems refuse"
    return None


def _gather(base: Path, number: int, layout: Layout, entries: dict[str, _Entry]) -> Iterator[Stray]:
    sides = ((layout.infrared, layout.infrared_suffix, "infrared"), (layout.visible, layout.visible_suffix, "visible"))
    shared = layout.infrared == layout.visible
    unclaimed: set[str] = set()
    for turn, (relative, suffix, side) in enumerate(sides):
        folder = inside(base, relative)
        assert folder is not None
        good, others = images(folder)
        claimed = [name for name in good if Path(name).stem.endswith(suffix)]
        for file_name in claimed:
            stem = Path(file_name).stem
            key = stem.removesuffix(suffix)
            entry = entries.setdefault(key, _Entry(number))
            if entry.part == number:
                getattr(entry, side).append(str(folder / file_name))
            else:
                detail = f"{relative}/{file_name}: the name '{key}' is in {layout.split or 'another part'} too"
                yield Stray(key, "file", "ambiguous", detail)
        left = set(good) - set(claimed)
        # In a shared folder a file is odd only when neither side claims it.
        odd = left & unclaimed if shared and turn else left if not shared else set()
        unclaimed = left
        for file_name in sorted(odd):
            yield Stray(Path(file_name).stem, "file", "unpaired", f"{relative}/{file_name}: no suffix '{suffix}'")
        if not (shared and turn):
            in_labels = layout.labels in (layout.infrared, layout.visible)
            types = (LABEL_TYPES.get(layout.format or "", ""), ".json") if in_labels else ()
            for file_name in others:
                if not file_name.lower().endswith(tuple(filter(None, types))) or not types:
                    yield Stray(Path(file_name).stem, "file", "not_an_image", f"{relative}/{file_name}")


def _problem(name: str, entry: _Entry) -> tuple[str, str] | None:
    fault = unsafe(name)
    if fault:
        return "unsafe_name", fault
    for side, files in (("infrared", entry.infrared), ("visible", entry.visible)):
        if len(files) > 1:
            return "ambiguous", f"{len(files)} {side} files: {', '.join(Path(file).name for file in files)}"
    for side, files, other in (("infrared", entry.infrared, entry.visible), ("visible", entry.visible, entry.infrared)):
        if not files:
            return "unpaired", f"{Path(other[0]).name} has no {side} counterpart"
    return None


class _LabelSource:
    """The labels of one part, whatever their format, and which of them found no image."""

    def __init__(self, adapter: Adapter, base: Path, layout: Layout) -> None:
        self._adapter, self._layout = adapter, layout
        self._files: dict[str, str] = {}
        self._coco: Coco | None = None
        self._seen: set[str] = set()
        place = inside(base, layout.labels) if layout.labels else None
        if place is None or layout.format is None:
            return
        if layout.format == "coco":
            self._coco = Coco(place)
        else:
            ending = LABEL_TYPES[layout.format]
            for child in sorted(place.iterdir()):
                if child.suffix.lower() == ending and child.name != "classes.txt":
                    self._files[child.stem.removesuffix(layout.label_suffix)] = str(child)

    def of(self, name: str, image_files: Iterable[str]) -> LabelFile | Labels | None:
        if self._coco is not None:
            names = [Path(file).name for file in image_files]
            self._seen.update(names)
            return next((found for file in names if (found := self._coco.labels(file)) is not None), None)
        path = self._files.pop(name, None)
        assert self._layout.format is not None or path is None
        return LabelFile(path, self._layout.format, self._adapter.yolo_names) if path and self._layout.format else None

    def time_of_day(self, image_files: Iterable[str]) -> str | None:
        if self._coco is None:
            return None
        said = {self._coco.images.get(Path(file).name, {}).get("time_of_day") for file in image_files}
        return next((str(value) for value in TIMES_OF_DAY[:2] if value in said), None)

    def orphans(self) -> Iterator[Stray]:
        for name, path in sorted(self._files.items()):
            yield Stray(name, "labels", "unpaired", f"{Path(path).name} labels no image")
        for file_name in self._coco.unused(self._seen) if self._coco else ():
            yield Stray(
                Path(file_name).stem, "labels", "unpaired", f"the annotations list {file_name}, which is missing"
            )
