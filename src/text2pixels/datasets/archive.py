"""Unpacking a zip or tar from the internet without leaving the folder, and without filling the disk.

Refused: members outside the folder (absolute, "..", another drive), links and devices, more than
`MOST_FILES` members, more than `MOST_BYTES` unpacked, and more than `MOST_RATIO` times the archive's own
size (images hardly compress: a real set has a ratio near 1). The counts are of what is written, not of
what the archive's directory claims.
"""

import hashlib
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.progress import console, track

MOST_FILES = 1_000_000
MOST_BYTES = 500 * 2**30
MOST_RATIO = 100
SMALL = 64 * 2**20  # bytes that may come out whatever the ratio: a folder of labels compresses well

_CHUNK = 2**20
# RuntimeError: encrypted; NotImplementedError: a compression that Python lacks.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def is_archive(path: Path) -> bool:
    """Tell whether a file is a zip or a tar, compressed or not, by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpack(path: Path, scratch: Path, checksums: Mapping[str, str | None] | None = None) -> Path:
    """Unpack an archive below ``scratch`` and return the folder; one that is there already is taken as it is.

    Raises:
        InputError: damaged, or refused (see the module's docstring).
    """
    state = path.stat()
    identity = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}"
    target = scratch / f"{path.name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    _compare(path, (checksums or {}).get(path.name))
    with whole_folder(target) as aside:
        try:
            _write(path, aside, most=max(SMALL, MOST_RATIO * state.st_size))
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise InputError(f"cannot unpack {path}: {error.strerror}") from error  # a full disk, say
            raise InputError(f"{path} is damaged ({' '.join(str(error).split())}): download it again") from error
    return target


def _write(path: Path, folder: Path, most: int) -> None:
    written = 0
    for files, (name, stream) in enumerate(track(_members(path), f"unpack {path.name}"), 1):
        if files > MOST_FILES:
            raise InputError(f"{path} holds more than {MOST_FILES:,} files: not a set of image pairs")
        target = folder / _inside(path, name)
        if target.exists():
            raise InputError(f"{path} holds {name!r} twice: refused")
        target.parent.mkdir(parents=True, exist_ok=True)
        with stream, target.open("xb") as out:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if written > min(most, MOST_BYTES):
                    raise InputError(
                        f"{path} unpacks to more than {min(most, MOST_BYTES):,} bytes, {MOST_RATIO} times its size: "
                        "refused as a decompression bomb; if it is none, unpack it yourself and give the folder"
                    )
                out.write(chunk)


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and content of every plain file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as zipped:
            for entry in zipped.infolist():
                if entry.is_dir():
                    continue
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise InputError(f"{path}: {entry.filename!r} is a link: refused")
                yield entry.filename, zipped.open(entry)
    else:
        with tarfile.open(path) as tarred:
            for member in tarred:
                if member.isdir():
                    continue
                stream = tarred.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise InputError(f"{path}: {member.name!r} is a link or a device: refused")
                yield member.name, stream


def _inside(path: Path, name: str) -> Path:
    """Return a member's relative path.

    Raises:
        InputError: it would lie outside the folder.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or ":" in pure.parts[0] or "\0" in name:
        raise InputError(f"{path}: {name!r} would lie outside its folder: refused")
    return Path(*pure.parts)


def _compare(path: Path, checksum: str | None) -> None:
    """Say so when an archive of a known name is not the publisher's file; a repacked one is still read."""
    if checksum is None:
        return
    kind, expected = checksum.split(":")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, kind).hexdigest()
    if found != expected:
        console.print(f"{path} is not the published file: {kind} {found}, expected {expected}; going on")


def discard(scratch: Path) -> None:
    """Remove what was unpacked."""
    shutil.rmtree(scratch, ignore_errors=True)
