"""Other people's weights: where they should be, whether they are the authors' files, how to get them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from text2pixels.errors import InputError
from text2pixels.files import sha256

RETRAINED = Path("profiles/retrained")  # of a checkout: folders of models that were trained again

Status = Literal["none needed", "ok", "unverified", "mismatch", "missing"]


@dataclass(frozen=True)
class WeightFile:
    """A file of the authors.

    Attributes:
        name: Its path below the folder of weights.
        sha256: Of the file; None where it is not known, and then any file under that name is taken, and called
            unverified unless ``git_blob`` says more.
        source: Where the authors publish it.
        megabytes: Its size, 0 where that is not known.
        git_blob: What git calls the file in the authors' repository: the SHA-1 of "blob SIZE", a zero byte and
            the content. Known without the file.
        quoted_sha256: SHA-256 of which others report that it is the authors' file's. A file that has it is taken
            for theirs, any other is called unverified.
    """

    name: str
    sha256: str | None
    source: str
    megabytes: float = 0
    git_blob: str = ""
    quoted_sha256: str = ""


def file_status(file: WeightFile, folder: Path | None) -> Status:
    """Return "ok", "unverified" (nobody knows), "mismatch" (another file under that name) or "missing"."""
    if folder is None or not (folder / file.name).is_file():
        return "missing"
    path = folder / file.name
    if file.sha256:
        return "ok" if sha256(path) == file.sha256 else "mismatch"
    if file.quoted_sha256:
        return "ok" if sha256(path) == file.quoted_sha256 else "unverified"
    return "ok" if file.git_blob and _git_blob(path) == file.git_blob else "unverified"


def status(files: Sequence[WeightFile], folder: Path | None) -> Status:
    """Return the worst status of a method's files; "none needed" where there are none."""
    found = {file_status(file, folder) for file in files}
    ranking: tuple[Status, ...] = ("missing", "mismatch", "unverified", "ok")
    return next((state for state in ranking if state in found), "none needed")


def check(method: str, files: Sequence[WeightFile], folder: Path | None) -> Status:
    """Make sure that a method's files are there and, where that is known, the authors'.

    Returns:
        "ok", "unverified", or "none needed" where there are no files.

    Raises:
        InputError: one is missing or has another SHA-256; the message says where to get it.
    """
    worst: Status = "ok" if files else "none needed"
    for file in files:
        match file_status(file, folder):
            case "missing":
                where = f"not found at {folder / file.name}" if folder else "no folder of weights is given"
                raise InputError(
                    f"{method}: weights missing: {where}; get {Path(file.name).name} from {file.source}, put it at "
                    f"FOLDER/{file.name} and name FOLDER with --weights or fuse.weights in params.yaml"
                    f"{retrained_instead(method)}"
                )
            case "mismatch":
                assert folder is not None, "a missing folder is a missing file"
                raise InputError(
                    f"{method}: {folder / file.name} is not the authors' file (expected SHA-256 {file.sha256}); "
                    f"get it again from {file.source}"
                )
            case "unverified":
                worst = "unverified"
    return worst


def retrained_instead(method: str) -> str:
    """Return the end of a message that names a method's weights of this project; "" outside a checkout of it."""
    folder = RETRAINED / method
    return f"; or take what was trained again here, for a part of its schedule: --model {folder}" * folder.is_dir()


def _git_blob(path: Path) -> str:
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
