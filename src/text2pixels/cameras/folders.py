"""Two folders of images in, a folder of fused images out."""

from collections.abc import Callable, Iterator
from errno import EDQUOT, ENOSPC, EROFS
from pathlib import Path
from typing import NamedTuple

from text2pixels.errors import InputError
from text2pixels.files import check_outputs
from text2pixels.methods.convention import fuse_picture
from text2pixels.methods.method import Method, Phrases
from text2pixels.cameras.pairing import Pairing
from text2pixels.cameras.stills import read_pair, write_image

_OF_EVERY_FILE = (EDQUOT, ENOSPC, EROFS)  # a disk that is full or read-only takes none of the others either


class Fused(NamedTuple):
    """What became of a pair: ``problem`` says why it could not be fused, None where it was."""

    name: str
    problem: str | None
    notes: list[str]


def check_folder(output: Path, pairing: Pairing) -> None:
    """Make sure that a folder can take the fused images of the pairs.

    Raises:
        InputError: it is a file, or a fused image would replace an input.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: two folders are fused into a folder")
    inputs = [path for pair in pairing.pairs.values() for path in pair] + pairing.unpaired
    check_outputs([output / f"{name}.png" for name in pairing.pairs], inputs)


def fuse_folders(
    method: Method, pairing: Pairing, output: Path, phrases_of: Callable[[str], Phrases], *, gray: bool = False
) -> Iterator[Fused]:
    """Fuse pair by pair into ``output``, NAME.png, and yield what became of each: one bad pair costs itself alone."""
    for name, files in pairing.pairs.items():
        notes: list[str] = []
        try:
            fused = fuse_picture(method, *read_pair(*files, notes), phrases_of(name), gray=gray)
            write_image(output / f"{name}.png", fused)
        except InputError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_EVERY_FILE:
                raise
            yield Fused(name, str(error), notes)
        else:
            yield Fused(name, None, notes)
