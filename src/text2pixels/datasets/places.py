"""Where below a folder a data set lies, and what else lies there that is not read.

A link to a folder is followed where it is the set's path, or has a name of the layout. Other links are listed as not
visited, because they may lead to a whole disk.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from text2pixels.datasets.adapter import Adapter, Layout, Stray
from text2pixels.errors import InputError
from text2pixels.image.decode import SUFFIXES

DEPTH = 4  # folders that may be wrapped around a set, or around a part of it
MOST_COUNTED = 100_000  # images counted in a folder that is not read; beyond it the count reads "more than"

_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}


@dataclass(frozen=True)
class Part:
    """A part of a set that is there: ``base`` is the folder to which its layout is relative."""

    base: Path
    layout: Layout

    def folders(self) -> list[Path]:
        """Return the folders of the infrared and the visible images."""
        sides = (inside(self.base, relative) for relative in (self.layout.infrared, self.layout.visible))
        return [folder for folder in sides if folder is not None]


@dataclass(frozen=True)
class Listing:
    """The names in a folder, each list sorted."""

    images: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # files of other types, and litter of the operating system
    irregular: tuple[str, ...] = ()  # pipes, sockets, devices
    folders: tuple[str, ...] = ()  # without litter
    links: tuple[str, ...] = ()  # to folders


def is_litter(name: str) -> bool:
    """Tell whether a file or folder was left by an operating system or a tool: hidden, or of a name they use."""
    return name.startswith(".") or name.casefold() in _LITTER


def is_ours(folder: Path) -> bool:
    """Tell whether `t2p ingest` or `t2p register` made a folder, which is then no source of images."""
    return (folder / "manifest.parquet").exists()


def list_folder(folder: Path) -> Listing:
    """Return what lies in a folder; a dangling link is listed as the file that it should lead to.

    Raises:
        OSError: the folder cannot be read.
    """
    images, others, irregular = list[str](), list[str](), list[str]()
    folders, links = list[str](), list[str]()
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                if not is_litter(entry.name):
                    (links if entry.is_symlink() else folders).append(entry.name)
            elif not entry.is_file() and Path(entry.path).exists():
                irregular.append(entry.name)
            elif entry.name.lower().endswith(SUFFIXES) and not is_litter(entry.name):
                images.append(entry.name)
            else:
                others.append(entry.name)
    return Listing(*map(tuple, (images, others, irregular, folders, links)))


def inside(base: Path, relative: str) -> Path | None:
    """Return ``base / relative`` with names matched in any case; None where it is missing."""
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


def locate(adapter: Adapter, root: Path, several: bool = False) -> tuple[Part, ...]:
    """Return the parts of a set at or below ``root``.

    Args:
        adapter: its layouts are tried in each folder; of alternatives the first that fits is taken.
        root: is searched `DEPTH` folders deep, nearest first.
        several: search beside and below the first find too (``train/`` and ``test/``, or ``night/`` beside).

    Raises:
        InputError: nothing there looks like the set; the message says what was expected and found.
    """
    found: list[Part] = []
    level = [root]
    for _ in range(DEPTH + 1):
        below: list[Path] = []
        for base in level:
            layouts = _fitting(adapter, base)
            found += [Part(base, layout) for layout in layouts]
            if found and not several:
                return tuple(found)
            if all(Path(layout.infrared).parts for layout in layouts):
                taken = {_first(relative) for layout in layouts for relative in _relatives(layout)}
                below += [child for child in _children(base) if child.name.lower() not in taken]
        level = below
    if found:
        return tuple(found)
    expected = " or ".join(f"{layouts[0].infrared}/ and {layouts[0].visible}/" for layouts in adapter.layouts)
    there = ", ".join(sorted(child.name for child in root.iterdir())[:8]) or "nothing"
    links = list_folder(root).links
    hint = f"; {links[0]} is a link to a folder, which is not searched: give it as the path" if links else ""
    raise InputError(f"{root} does not hold {adapter.title}: expected {expected}, found {there}{hint}")


def label_place(part: Part, root: Path) -> Path | None:
    """Return the file or folder of a part's labels, which may also lie at the root of the whole set."""
    for relative in label_names(part.layout):
        if place := inside(part.base, relative) or inside(root, relative):
            return place
    return None


def label_names(layout: Layout) -> tuple[str, ...]:
    """Return the names that the labels of a layout may have, likeliest first; none where it has no labels."""
    return (layout.labels,) if isinstance(layout.labels, str) else layout.labels or ()


def unvisited(root: Path, parts: Sequence[Part]) -> Iterator[Stray]:
    """Yield a row for each folder below ``root`` that holds images, but none that is read, and for each link."""
    read = {folder for part in parts for folder in part.folders()}
    read |= {place for part in parts if (place := label_place(part, root)) is not None}
    yield from _unread(root, root, read, {parent for path in read for parent in path.parents})


def _unread(folder: Path, root: Path, read: set[Path], above: set[Path]) -> Iterator[Stray]:
    if folder in read:
        return
    where = folder.relative_to(root).as_posix()
    if folder not in above:
        much = images_below(folder)
        if much:
            yield Stray(folder.name, "file", "not_visited", f"{where}/: {much}")
        return
    listing = list_folder(folder)
    if listing.images:
        yield Stray(folder.name, "file", "not_visited", f"{where}/: {_counted(len(listing.images))} beside its folders")
    for name in listing.folders:
        yield from _unread(folder / name, root, read, above)
    for name in listing.links:
        if folder / name in above:
            yield from _unread(folder / name, root, read, above)
        elif folder / name not in read:
            yield link(folder / name, root)


def link(path: Path, root: Path) -> Stray:
    """Return the row of a link to a folder."""
    # A folder of labels may lie outside of the set.
    where = path.relative_to(root) if path.is_relative_to(root) else path
    return Stray(path.name, "file", "not_visited", f"{where.as_posix()}: a link to a folder")


def images_below(folder: Path) -> str:
    """Return how many images lie in a folder and all below it, in words; nothing where there is none."""
    files = (name for _, _, names in os.walk(folder) for name in names)
    found = (name for name in files if name.lower().endswith(SUFFIXES) and not is_litter(name))
    number = sum(1 for _ in islice(found, MOST_COUNTED + 1))
    return f"more than {MOST_COUNTED} images" if number > MOST_COUNTED else _counted(number) if number else ""


def _counted(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"


def _fitting(adapter: Adapter, base: Path) -> tuple[Layout, ...]:
    for layouts in adapter.layouts:
        there = tuple(layout for layout in layouts if _is_folder(base, layout.infrared, layout.visible))
        if there:
            return there
    return ()


def _is_folder(base: Path, *relatives: str) -> bool:
    found = [inside(base, relative) for relative in relatives]
    return all(path is not None and path.is_dir() for path in found)


def _relatives(layout: Layout) -> Iterable[str]:
    return filter(None, (layout.infrared, layout.visible, *label_names(layout)))


def _first(relative: str) -> str:
    return next(iter(Path(relative).parts), "").lower()


def _children(base: Path) -> list[Path]:
    """Return the folders to search below one, without those that `t2p ingest` made; none where it may not be read."""
    try:
        children = [base / name for name in list_folder(base).folders]
    except PermissionError:
        return []
    return [child for child in children if not is_ours(child)]
