"""Which infrared file goes with which visible file."""

from dataclasses import dataclass
from pathlib import Path

from text2pixels.errors import InputError
from text2pixels.image import images_of

VIDEOS = (".mp4", ".avi", ".mkv", ".mov")


def is_video(path: Path) -> bool:
    """Tell by the suffix whether a file is a video."""
    return path.suffix.lower() in VIDEOS


@dataclass(frozen=True)
class Pairing:
    """Files of two folders, paired by the name without its suffix, and those left over."""

    pairs: dict[str, tuple[Path, Path]]
    unpaired: list[Path]


def pair_folders(infrared: Path, visible: Path) -> Pairing:
    """Pair the images of two folders.

    Raises:
        InputError: a folder is missing or has two images of one name, or there is no pair at all.
    """
    left, right = images_of(infrared), images_of(visible)
    pairs = {name: (left[name], right[name]) for name in sorted(left.keys() & right.keys())}
    if not pairs:
        raise InputError(
            f"no pair: none of the {len(left)} images in {infrared} has the name of one of the {len(right)} in "
            f"{visible} (names must be equal but for the suffix)"
        )
    rest = [left[name] for name in left.keys() - right.keys()] + [right[name] for name in right.keys() - left.keys()]
    return Pairing(pairs, sorted(rest))
