"""Where the raw files of a data set are: in a folder, or in a zip or tar, which is unpacked first.

No archive, whoever made it, can write outside its folder or fill the disk.

Refused: members outside the folder (absolute, "..", another drive), links and devices, more than
`MOST_MEMBERS` members, names and headers of more than `MOST_HEADER` bytes, more than `MOST_BYTES` unpacked, and
more than `MOST_RATIO` times the archive's own size (images hardly compress: a real set has a ratio near 1). The
counts are of what is written, not of what the archive's directory claims. A tar without the mark at its end is refused
too: one that was cut off between two members looks like a smaller one.
"""

import hashlib
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from text2pixels.datasets.adapter import Adapter
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.progress import console, track

MOST_MEMBERS = 1_000_000  # files and folders
MOST_HEADER = 2**20  # bytes of a tar's long name or extended header, which the library reads into memory at once
MOST_BYTES = 500 * 2**30
MOST_RATIO = 100
SMALL = 64 * 2**20  # bytes that may come out whatever the ratio: a folder of labels compresses well

_CHUNK = 2**20
_SHOWN = 100  # characters of a member's name in a message
_HEADER, _ENTRY = 30, 46  # bytes of a zip's headers, before a member and in the directory, up to the name
_SAYS_UTF8 = 8  # in the second byte of a header's flags
# RuntimeError: encrypted, or (NotImplementedError) a compression that Python lacks; ValueError: a field of a header
# that should be a number and is not.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class _Member(tarfile.TarInfo):
    """A member of a tar, refused where its long name or extended header is too large."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:  # tarfile's entry for subclasses
        if self.type in _HEADERS and self.size > MOST_HEADER:
            raise InputError(f"{archive.name!r} has a name or header of {self.size:,} bytes: refused")
        checked: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return checked


@contextmanager
def open_source(adapter: Adapter, path: str | None, scratch: Path) -> Iterator[Path]:
    """Give the folder that holds the raw files; an archive is unpacked below ``scratch``.

    Raises:
        InputError: nothing is there; the message says what to get from whom and where to put it.
    """
    if path is None:
        raise InputError(how_to_get(adapter, "<folder or archive>"))
    place = Path(path)
    if place.is_dir():
        yield place.absolute()  # a worker may run in another folder
    elif is_archive(place):
        yield unpack(place, scratch.absolute(), dict((entry.name, entry.checksum) for entry in adapter.archives))
    elif place.is_file():
        raise InputError(f"datasets.{adapter.name}.path: {path} is neither a folder nor a zip or tar archive")
    else:
        raise InputError(f"datasets.{adapter.name}.path: nothing at {path}. {how_to_get(adapter, path)}")


def how_to_get(adapter: Adapter, path: str) -> str:
    """Return one line: what to download, from whom, under which terms, and where to put it."""
    files = " and ".join(entry.name for entry in adapter.archives) or "the images"
    layout = " or ".join(f"{parts[0].infrared}/ + {parts[0].visible}/" for parts in adapter.layouts)
    return (
        f"Get {files} of {adapter.title} from {adapter.home} (licence: {adapter.licence}), unpacked ({layout}) or "
        f"not, and set datasets.{adapter.name}.path to it in params.yaml, or put it at {path}"
    )


def is_archive(path: Path) -> bool:
    """Tell whether a file is a zip or a tar, compressed or not, by its content.

    Raises:
        InputError: a tar whose first header is refused.
    """
    return path.is_file() and (zipfile.is_zipfile(path) or _is_tar(path))


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
        except InputError:
            raise
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise InputError(f"cannot unpack {path}: {error.strerror}") from error  # a full disk, say
            raise InputError(f"{path} is damaged ({' '.join(str(error).split())}): download it again") from error
    return target


def _write(path: Path, folder: Path, most: int) -> None:
    written = 0
    for number, (name, stream) in enumerate(track(_members(path), f"unpack {path.name}"), 1):
        if number > MOST_MEMBERS:
            raise InputError(f"{path} holds more than {MOST_MEMBERS:,} files: not a set of image pairs")
        if stream is None:
            continue
        target = folder / _inside(path, name)
        try:
            if target.exists():
                raise InputError(f"{path} holds {name!r} twice: refused")
            target.parent.mkdir(parents=True, exist_ok=True)
            out = target.open("xb")
        except OSError as error:  # a name too long, a file where a folder should be
            raise InputError(f"cannot unpack {path}: '{_short(name)}': {error.strerror}") from error
        with stream, out:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if written > min(most, MOST_BYTES):
                    raise InputError(
                        f"{path} unpacks to more than {min(most, MOST_BYTES):,} bytes, {MOST_RATIO} times its size: "
                        "refused as a decompression bomb; if it is none, unpack it yourself and give the folder"
                    )
                out.write(chunk)


def _members(path: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Yield name and content of every plain file, and the names of folders, without content.

    Raises:
        InputError: a link or a device, or a tar that ends early.
    """
    if zipfile.is_zipfile(path):
        with _Zip(path) as opened, zipfile.ZipFile(opened) as zipped:
            opened.directory_is_read = True
            for entry in zipped.infolist():
                name = _name(entry)
                if entry.is_dir():
                    yield name, None
                    continue
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise InputError(f"{path}: {name!r} is a link: refused")
                yield name, zipped.open(entry)
    else:
        with tarfile.open(path, tarinfo=_Member) as tarred:
            for member in tarred:
                if member.isdir():
                    yield member.name, None
                    continue
                stream = tarred.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise InputError(f"{path}: {member.name!r} is a link or a device: refused")
                yield member.name, stream
            _check_end(path, tarred)


class _Zip(io.FileIO):
    """A zip file in whose headers the mark "this name is UTF-8" is cleared as they are read.

    Where a marked name is not UTF-8, Python's library refuses the whole archive. Names without the mark it reads as
    code page 437, in which every byte is a character, so that `_name` can get the bytes back.
    """

    directory_is_read = False

    def read(self, size: int | None = -1) -> bytes:
        content = bytearray(super().read(-1 if size is None else size))
        if self.directory_is_read:
            if len(content) == _HEADER and content[:4] == b"PK\3\4":
                content[7] &= ~_SAYS_UTF8  # in the header before a member
            return bytes(content)
        at = 0
        while content[at : at + 4] == b"PK\1\2" and at + _ENTRY <= len(content):
            content[at + 9] &= ~_SAYS_UTF8
            at += _ENTRY + sum(struct.unpack_from("<3H", content, at + 28))  # name, extra field, comment
        return bytes(content)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return a member's name: UTF-8 if it is that, as nearly all are, code page 437 otherwise."""
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _check_end(path: Path, tarred: tarfile.TarFile) -> None:
    """Make sure that reading stopped at the mark at a tar's end, a block of zeros, and not where the file was cut.

    Raises:
        InputError: there is no such mark.
        OSError: what was compressed is not what was packed.
    """
    assert tarred.fileobj is not None
    tarred.fileobj.seek(tarred.offset)
    if tarred.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise InputError(f"{path} is cut off, or damaged after {len(tarred.getmembers())} members: download it again")
    padding = 0
    while padding < SMALL and (chunk := tarred.fileobj.read(_CHUNK)):  # the checksum is compared only at the very end
        padding += len(chunk)


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _is_tar(path: Path) -> bool:
    try:
        with tarfile.open(path, tarinfo=_Member):
            return True
    except tarfile.TarError:
        return False


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
