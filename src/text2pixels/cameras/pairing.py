"""Which infrared file goes with which visible file, and what lies beside them that nobody reads."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from text2pixels.errors import InputError
from text2pixels.image import images_of

VIDEOS = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts"),
    *(".webm", ".wmv"),
)
_LABELS = (".json", ".txt", ".xml")
_LABEL_FOLDERS = ("annotation", "annotations", "label", "labels")


def is_video(path: Path) -> bool:
    """Tell by the suffix whether a file is a video."""
    return path.suffix.lower() in VIDEOS


@dataclass(frozen=True)
class Pairing:
    """Files of two folders, paired by the name without its suffix, and those left over.

    Attributes:
        pairs: name -> infrared and visible file.
        unpaired: images of one folder alone.
        notes: a line for each kind of thing in or beside the folders that is not read.
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
    """Return what of a folder's content is no image, in one line."""
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
    found = [path for parent in parents for path in parent.iterdir() if path.name.lower() in _LABEL_FOLDERS]
    return [
        f"{path}: labels are not read here, fusing needs none; t2p ingest takes them in for training and detection"
        for path in sorted(found)
        if path.is_dir()
    ]
