"""Other people's weights: where they should be, whether they are the authors' files, how to get them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from text2pixels.errors import InputError
from text2pixels.files import sha256

Status = Literal["none needed", "ok", "mismatch", "missing"]


@dataclass(frozen=True)
class WeightFile:
    """A file of the authors: its path below the folder of weights, its SHA-256, where they publish it."""

    name: str
    sha256: str
    source: str


def file_status(file: WeightFile, folder: Path | None) -> Status:
    """Return "ok", "mismatch" (another file under that name) or "missing"."""
    if folder is None or not (folder / file.name).is_file():
        return "missing"
    return "ok" if sha256(folder / file.name) == file.sha256 else "mismatch"


def status(files: Sequence[WeightFile], folder: Path | None) -> Status:
    """Return the worst status of a method's files; "none needed" where there are none."""
    found = {file_status(file, folder) for file in files}
    ranking: tuple[Status, ...] = ("missing", "mismatch", "ok")
    return next((state for state in ranking if state in found), "none needed")


def check(method: str, files: Sequence[WeightFile], folder: Path | None) -> None:
    """Make sure that a method's files are there and are the authors'.

    Raises:
        InputError: one is missing or has another SHA-256; the message says where to get it.
    """
    for file in files:
        match file_status(file, folder):
            case "missing":
                where = f"not found at {folder / file.name}" if folder else "no folder of weights is given"
                raise InputError(
                    f"{method}: weights missing: {where}; get {Path(file.name).name} from {file.source}, put it at "
                    f"FOLDER/{file.name} and name FOLDER with --weights or fuse.weights in params.yaml"
                )
            case "mismatch":
                assert folder is not None, "a missing folder is a missing file"
                raise InputError(
                    f"{method}: {folder / file.name} is not the authors' file (expected SHA-256 {file.sha256}); "
                    f"get it again from {file.source}"
                )
