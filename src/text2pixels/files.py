"""Files and folders that are there whole or not at all."""

import errno
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from glob import escape
from pathlib import Path

from text2pixels.errors import InputError

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # full, or read-only


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the place of ``path`` when the block ends well.

    Raises:
        InputError: the place cannot be written to, or the disk is full.
    """
    aside = beside(path)
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) != aside:
            raise  # of another file
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if aside.exists():  # not where it could not be made: a read-only disk refuses to remove what is not there
            aside.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; it takes the place of ``path`` when the block ends well.

    Raises:
        InputError: ``path`` is the working directory, one above it, or climbs by "..": replacing it would
            remove what nobody meant; or the disk is full.
    """
    here = Path.cwd()
    if ".." in path.parts or path.resolve() in (here, *here.parents):
        raise InputError(f"{path} would be replaced as a whole: name a folder of its own, below {here} or elsewhere")
    aside = beside(path)
    _settle(path)
    try:
        aside.mkdir()
        yield aside
        take_place(aside, path)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def take_place(aside: Path, path: Path) -> None:
    """Rename a folder to ``path``; what was there goes aside by a rename too, as removing it takes its time.

    Killed between the renames, a process leaves nothing at ``path``: the next one puts back what was there.
    """
    _settle(path)
    old = _beside(path, "old")
    try:
        if path.exists():
            path.rename(old)
        aside.rename(path)
    finally:
        _put_back_or_remove(old, path)


def _settle(path: Path) -> None:
    """End what killed processes of this machine began when they replaced a folder."""
    for old in path.parent.glob(f".{escape(_shortened(path.name))}.{_machine()}-*-*.old"):
        if _is_left(old):
            _put_back_or_remove(old, path)


def _put_back_or_remove(old: Path, path: Path) -> None:
    if not old.exists():
        return
    if path.exists():
        shutil.rmtree(old)
    else:
        old.rename(path)


def beside(path: Path) -> Path:
    """Return a new name beside ``path``, for a file or folder that is to take its place when it is whole.

    What killed processes of this machine left under such names is removed.

    Raises:
        InputError: there can be no folder where it would lie.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.filename}: {error.strerror}") from error
    _sweep(path.parent.resolve())
    return _beside(path, "part")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{_shortened(path.name)}.{_machine()}-{os.getpid()}-{secrets.token_hex(3)}.{ending}")


def _shortened(name: str) -> str:
    """Return a name of at most 50 characters, which are at most 200 bytes: names may be as long as a disk takes."""
    return name if len(name) <= 50 else f"{name[:41]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


@cache  # once a folder: a run may write twenty thousand files into one
def _sweep(folder: Path) -> None:
    for left in folder.glob(f".*.{_machine()}-*-*.part"):
        if _is_left(left):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _is_left(aside: Path) -> bool:
    """Tell whether the process that made a name beside another is no more."""
    process = aside.name.split("-")[-2]
    return process.isdigit() and not _is_alive(int(process))


@cache
def _machine() -> str:
    """Return six letters for this machine: a folder may be shared between several."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # where signal 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so alive
        return True
    return True


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


def check_replaced(folder: Path, inputs: Iterable[Path], made: Collection[str], what: str) -> None:
    """Make sure that a folder which is replaced as a whole holds nothing but what an earlier run made of it.

    Args:
        folder: to be made, or replaced.
        inputs: files and folders that are read.
        made: names of what is written into it.
        what: it is, for the message: "a comparison".

    Raises:
        InputError: it is a file, is or holds an input, or holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for {what}")
    others = sorted(path.name for path in folder.iterdir() if path.name not in made) if folder.exists() else []
    if others:
        raise InputError(f"{folder} holds something else than {what} ({others[0]}): name a new folder, or remove it")
    place = folder.resolve()
    for path in inputs:
        if place == path.resolve() or place in path.resolve().parents:
            raise InputError(f"the output {folder} would replace what is read, {path}: name another folder")


def _identity(path: Path) -> object:
    """Return what two names of one file have in common: device and inode, or the path of what is not there yet."""
    try:
        status = path.stat()
    except OSError:
        return path.parent.resolve() / path.name  # not resolved itself: its name may be too long for that
    return status.st_dev, status.st_ino


def check_size(path: Path, most: int) -> None:
    """Make sure that a file which is read as a whole is of a size that such files have.

    Args:
        path: of the file; one that is not there passes.
        most: bytes.

    Raises:
        InputError: it is larger.
    """
    if path.is_file() and path.stat().st_size > most:
        raise InputError(f"{path} is larger than {most // 10**6} MB: it is no such file; name another")


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
