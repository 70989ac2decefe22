"""From folders to candidate pairs: the reader of every data set whose layout on disk a `Layout` can express."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2pixels.datasets.adapter import Adapter, Candidate, Problem, Stray
from text2pixels.datasets.labels import TYPES, Annotations, Key
from text2pixels.datasets.places import (
    Listing,
    Part,
    images_below,
    inside,
    is_ours,
    label_names,
    label_place,
    link,
    list_folder,
    locate,
    unvisited,
)
from text2pixels.errors import InputError

LONGEST_NAME = 200  # bytes; with ".png" and a temporary suffix below the 255 of every file system

# Folders that say what their pairs are for.
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass
class _Entry:
    """What was found under one name."""

    part: int = 0
    infrared: list[str] = field(default_factory=list)
    visible: list[str] = field(default_factory=list)


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the candidate pairs of a set by name, and what belongs to none.

    The option ``folders`` names folders below ``root`` that each hold a part of the set; without it, ``root`` does.

    Raises:
        InputError: none of the adapter's layouts is below ``root``, or below one of the folders.
    """
    parts: list[Part] = []
    names = options.get("folders", [])
    if not isinstance(names, list):
        raise InputError(f"datasets.{adapter.name}.options.folders: expected a list of folders, found {names!r:.80}")
    roots = [_folder(adapter, root, name) for name in names] or [root]
    for folder in roots:
        parts += locate(adapter, folder)
    yield from pair_up(adapter, root, parts, roots)


def _folder(adapter: Adapter, root: Path, name: object) -> Path:
    folder = inside(root, str(name)) if name else None
    if folder is None or not folder.is_dir():
        raise InputError(f"datasets.{adapter.name}.options.folders: no folder {name!r} in {root}")
    return folder


def pair_up(
    adapter: Adapter, root: Path, parts: Sequence[Part], roots: Sequence[Path] = ()
) -> Iterator[Candidate | Stray]:
    """Yield the pairs of the given parts, sorted by name, and what else lies there or elsewhere in ``roots``.

    The name of a pair is the stem of its files. Where two pairs in different folders have the same stem, every
    pair of the set gets its folders before its name: ``train_001``.
    """
    entries: dict[Key, _Entry] = {}
    places = _places(parts)
    for number, part in enumerate(parts):
        yield from _gather(number, part, root, places[number], entries)
    stems = Counter(key[-1] for key in entries)
    plain = all(number == 1 for number in stems.values())
    names = {key: key[-1] if plain else "_".join(key) for key in entries}
    claims = Counter(names.values())
    # All of them before the first pair is taken in: a mistake in the user's pattern then costs no hours.
    scenes = {name: adapter.scene(name) for name in claims}
    sources = [(label_place(part, root), part.layout.label_suffix) for part in parts]
    read = {source: Annotations(adapter, part, root) for source, part in dict(zip(sources, parts, strict=True)).items()}
    labels = [read[source] for source in sources]
    for key, entry in entries.items():
        if stems[key[-1]] > 1:
            images = [*entry.visible[:1], *entry.infrared[:1]]
            labels[entry.part].expect(_label_keys(key, places[entry.part], entry), images)
    for key in sorted(entries, key=lambda key: (names[key], key)):
        name, entry = names[key], entries.pop(key)  # popped to free memory while pairs are yielded
        infrared, visible = entry.infrared[:1], entry.visible[:1]
        below = key[len(places[entry.part]) :]
        label_keys = _label_keys(key, places[entry.part], entry)
        found, time = labels[entry.part].of(label_keys, [*visible, *infrared], stems[key[-1]] == 1)
        problem = _problem(name, entry)
        if problem is None and claims[name] > 1:
            problem = "ambiguous", f"{'/'.join(key)}: another pair is called {name} too"
        yield Candidate(
            name=name,
            infrared=infrared[0] if infrared else None,
            visible=visible[0] if visible else None,
            labels=found,
            split=_split(parts[entry.part], root, below[:-1]),
            scene=scenes[name],
            time_of_day=time or adapter.time_of_day(name),
            problem=problem,
        )
    for annotations in read.values():
        yield from annotations.strays()
    for folder in roots or (root,):
        yield from unvisited(folder, parts)


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


def _places(parts: Sequence[Part]) -> list[Key]:
    """Return the folders that lead to each part from the folder that holds them all."""
    common = Path(os.path.commonpath([part.base for part in parts]))
    return [part.base.relative_to(common).parts for part in parts]


def _label_keys(key: Key, place: Key, entry: _Entry) -> list[Key]:
    """Return where a label file of a pair may lie: by the pair's name or, where suffixes are cut off, by an image's."""
    stems = dict.fromkeys((key[-1], *(Path(file).stem for file in (*entry.visible[:1], *entry.infrared[:1]))))
    folders = dict.fromkeys((key[:-1], key[len(place) : -1], ()))
    return [(*below, stem) for stem in stems for below in folders]


def _split(part: Part, root: Path, below: Key) -> str | None:
    """Return the split that the publisher states or, in nested parts, the innermost folder with the name of a split."""
    if not part.layout.nested:
        return part.layout.split
    folders = (*part.base.relative_to(root).parts, *below)
    said = [SPLIT_FOLDERS[folder.lower()] for folder in folders if folder.lower() in SPLIT_FOLDERS]
    return said[-1] if said else part.layout.split


def _gather(number: int, part: Part, root: Path, place: Key, entries: dict[Key, _Entry]) -> Iterator[Stray]:
    layout = part.layout
    suffixes = {"infrared": layout.infrared_suffix, "visible": layout.visible_suffix}
    sides = list(zip(suffixes, part.folders(), strict=True))
    shared = layout.infrared == layout.visible
    unclaimed: set[str] = set()
    for turn, (side, folder) in enumerate(sides):
        suffix = suffixes[side]
        for below, there in _walk(folder, layout.nested, label_place(part, root)):
            here = folder.joinpath(*below)
            where = here.relative_to(root).as_posix()
            for name in there.images:
                stem = Path(name).stem
                if not stem.endswith(suffix):
                    # In a shared folder a file is odd only when neither side claims it.
                    if not shared or (turn and str(here / name) in unclaimed):
                        yield Stray(stem, "file", "unpaired", f"{where}/{name}: no suffix '{suffix}'")
                    unclaimed.add(str(here / name))
                    continue
                key = (*place, *below, stem.removesuffix(suffix))
                entry = entries.setdefault(key, _Entry(number))
                if entry.part == number:
                    getattr(entry, side).append(str(here / name))
                else:
                    detail = f"{where}/{name}: the name '{key[-1]}' is in {layout.split or 'another part'} too"
                    yield Stray(key[-1], "file", "ambiguous", detail)
            if not (shared and turn):
                yield from _odd(part, here, there, root)


def _odd(part: Part, here: Path, there: Listing, root: Path) -> Iterator[Stray]:
    """Yield what is no image in a folder of images, except labels that the layout says lie there."""
    layout, where = part.layout, here.relative_to(root).as_posix()
    beside = not {layout.infrared, layout.visible}.isdisjoint(label_names(layout))
    expected = (TYPES.get(layout.format or "", ".json"), ".json") if beside else ()
    for name in there.others:
        if not (expected and name.lower().endswith(expected)):
            yield Stray(Path(name).stem, "file", "not_an_image", f"{where}/{name}")
    for name in there.irregular:
        yield Stray(Path(name).stem, "file", "not_regular", f"{where}/{name}")
    if not layout.nested:
        for name in there.folders:
            if much := images_below(here / name):
                yield Stray(name, "file", "not_visited", f"{where}/{name}/: {much}")
    named = {*part.folders(), label_place(part, root)}
    yield from (link(here / name, root) for name in there.links if here / name not in named)


def _walk(folder: Path, nested: bool, labels: Path | None) -> Iterator[tuple[Key, Listing]]:
    """Yield the names in a folder and, where it is nested, in the folders below it except that of the labels."""
    waiting: list[Key] = [()]
    while waiting:
        below = waiting.pop()
        here = folder.joinpath(*below)
        if below and (here == labels or is_ours(here)):
            continue
        there = list_folder(here)
        yield below, there
        waiting += [(*below, name) for name in there.folders] if nested else []


def _problem(name: str, entry: _Entry) -> Problem | None:
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
