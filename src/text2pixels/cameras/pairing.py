"""Two folders of images: which files form a pair, which prompt of a file is for which pair, and what is not read."""

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from text2pixels.errors import InputError
from text2pixels.image import images_of
from text2pixels.prompts.phrases import unique
from text2pixels.prompts.user_prompts import by_pair, match, separated_otherwise

VIDEOS = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts"),
    *(".webm", ".wmv"),
)
_LABELS = (".json", ".txt", ".xml")
_LABEL_FOLDERS = ("annotation", "annotations", "label", "labels")
_NAMED = 5  # pairs that a note names


def is_video(path: Path) -> bool:
    """Tell by the suffix whether a file is a video."""
    return path.suffix.lower() in VIDEOS


@dataclass(frozen=True)
class Pairing:
    """Files of two folders, paired by the name without its suffix, and those left over.

    Attributes:
        pairs: name -> infrared and visible file.
        unpaired: images of one folder alone.
        notes: a line for each folder with files that are not read, and for labels beside the two.
    """

    pairs: dict[str, tuple[Path, Path]]
    unpaired: list[Path]
    notes: tuple[str, ...] = ()


def pair_folders(infrared: Path, visible: Path) -> Pairing:
    """Pair the images of two folders.

    Raises:
        InputError: a folder is missing, given twice or has two images of one name, or there is no pair at all.
    """
    if infrared.is_dir() and visible.is_dir() and infrared.samefile(visible):
        raise InputError(
            f"{infrared} and {visible} are one folder: give that of the infrared, then that of the visible"
        )
    left, right = images_of(infrared), images_of(visible)
    pairs = {name: (left[name], right[name]) for name in sorted(left.keys() & right.keys())}
    if not pairs:
        raise InputError(
            f"no pair: none of the {len(left)} images in {infrared} has the name of one of the {len(right)} in "
            f"{visible} (names must be equal but for the suffix)"
        )
    rest = [left[name] for name in left.keys() - right.keys()] + [right[name] for name in right.keys() - left.keys()]
    notes = [note for folder in (infrared, visible) for note in _not_read(folder)]
    return Pairing(pairs, sorted(rest), (*notes, *_labels_beside(infrared, visible)))


def _not_read(folder: Path) -> list[str]:
    """Return a line that counts the files of a folder that are no images; none where all are."""
    images = set(images_of(folder).values())
    kinds = Counter(
        "folders" if path.is_dir() else path.suffix.lower() or "without suffix"
        for path in folder.iterdir()
        if path not in images and not path.name.startswith(".")
    )
    if not kinds:
        return []
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    labels = " (labels are for t2p ingest: fusing needs none)" if set(kinds) & set(_LABELS) else ""
    return [f"{folder}: not read, as no images: {listed}{labels}"]


def _labels_beside(infrared: Path, visible: Path) -> list[str]:
    """Return a line for each folder of labels that lies beside the two."""
    parents = {infrared.resolve().parent, visible.resolve().parent}
    # A folder above that this user may not list has nothing to tell.
    listed = [parent for parent in parents if os.access(parent, os.R_OK | os.X_OK)]
    found = [path for parent in listed for path in parent.iterdir() if path.name.lower() in _LABEL_FOLDERS]
    return [
        f"{path}: labels are not read here, fusing needs none; t2p ingest takes them in for training and detection"
        for path in sorted(found)
        if path.is_dir()
    ]


@dataclass(frozen=True)
class PairPrompts:
    """Phrases of each pair that the file names, and a line for each thing about the file that the user should know."""

    phrases: dict[str, list[str]]
    notes: list[str]


def read_pair_prompts(path: Path, names: Collection[str], folders: Collection[str]) -> PairPrompts:
    """Read the prompts of pairs.

    A name may have a suffix, be in other letter case, or come with one of the two folders ("vis/001.png"). The "fine"
    phrases of a pair are taken before its "coarse" ones.

    Args:
        path: CSV with the columns name, phrases and optionally kind.
        names: of the pairs.
        folders: names of the two folders; rows of other folders are left out, with a note.

    Raises:
        InputError: unreadable, an unknown name or kind, a pair given twice, or no row for any of the pairs.
    """
    own_folders = {folder.casefold() for folder in folders}
    elsewhere: list[str] = []

    def pair_of(given: str, where: str) -> str | None:
        file = PurePosixPath(given)
        if file.parent.name and file.parent.name.casefold() not in own_folders:
            elsewhere.append(given)
            return None
        return match(file.name, names, where)

    found = by_pair(path, pair_of)
    own = {name: own for name in names if (own := found.get((name, "fine")) or found.get((name, "coarse")))}
    if not own:
        raise InputError(
            f"{path} has phrases for none of the {len(names)} pairs: its column name should hold their "
            f"names, such as {next(iter(names))}"
        )
    notes = [f"{len(own)} of {len(names)} pairs have phrases in {path}{_without(own, names)}"]
    notes += [f"{path}: {line}" for line in separated_otherwise(unique(chain(*own.values())))]
    if elsewhere:
        notes.append(f"{path}: {len(elsewhere)} rows speak of other folders and are left out: {_few(elsewhere)}")
    return PairPrompts(own, notes)


def _without(own: Collection[str], names: Collection[str]) -> str:
    rest = [name for name in names if name not in own]
    return f"; the others are fused without text: {_few(rest)}" if rest else ""


def _few(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
