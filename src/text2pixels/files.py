"""Files and folders that are there whole or not at all."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from text2pixels.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the place of ``path`` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; it takes the place of ``path`` when the block ends well.

    Raises:
        InputError: ``path`` is the working directory, one above it, or climbs by "..": replacing it would
            remove what nobody meant.
    """
    here = Path.cwd()
    if ".." in path.parts or path.resolve() in (here, *here.parents):
        raise InputError(f"{path} would be replaced as a whole: name a folder of its own, below {here} or elsewhere")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    aside.chmod(0o755)
    try:
        yield aside
        if path.exists():
            shutil.rmtree(path)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Make sure that no file to be written is a file that was given, by whatever name or link, or another output.

    Raises:
        InputError: one is.
    """
    given = {_identity(path): path for path in inputs}
    written: set[object] = set()
    for output in outputs:
        identity = _identity(output)
        if identity in given:
            raise InputError(f"the output {output} would overwrite the input {given[identity]}: name another place")
        if identity in written:
            raise InputError(f"two outputs would be written to {output}: give each a name of its own")
        written.add(identity)


def _identity(path: Path) -> object:
    """Return what two names of one file have in common: device and inode, or the path of what is not there yet."""
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return status.st_dev, status.st_ino


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
