"""Whether a video file has sound, by its container's headers: OpenCV, which reads the pictures, does not tell."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MP4_BEGINNINGS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_MP4_PARENTS = (b"moov", b"trak", b"mdia")
_EBML_SEGMENT, _EBML_TRACKS, _EBML_ENTRY, _EBML_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
_EBML_SOUND = 2  # track type
_HEAD = 65536  # bytes, in which an AVI file lists its streams


def has_sound(path: Path) -> bool | None:
    """Say whether an AVI, MP4, QuickTime, Matroska or WebM file has a track of sound; None of other containers."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if head[:4] == b"RIFF":
            return b"strh" in head and b"auds" in head
        size = path.stat().st_size
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return any(_ebml_tracks(stream, 0, size))
        return any(_mp4_tracks(stream, 0, size)) if head[4:8] in MP4_BEGINNINGS else None


def _mp4_tracks(stream: BinaryIO, start: int, end: int) -> Iterator[bool]:
    """Yield for each handler box (ISO/IEC 14496-12) whether it is one of sound."""
    while start + 8 <= end:
        stream.seek(start)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I", head[:4])[0], head[4:8]
        content = start + 8
        if length == 1 and len(head) == 16:
            length, content = struct.unpack(">Q", head[8:])[0], start + 16
        stop = end if length == 0 else start + length
        if stop <= start + 7:
            return  # damaged
        if kind in _MP4_PARENTS:
            yield from _mp4_tracks(stream, content, min(stop, end))
        elif kind == b"hdlr":
            stream.seek(content + 8)
            yield stream.read(4) == b"soun"
        start = stop


def _ebml_tracks(stream: BinaryIO, start: int, end: int) -> Iterator[bool]:
    """Yield for each track entry (RFC 9559) whether it is one of sound."""
    while start < end:
        stream.seek(start)
        head = stream.read(12)
        identity, taken = _number(head, marked=True)
        length, more = _number(head[taken:], marked=False)
        if not taken or not more:
            return
        content = start + taken + more
        unknown = length == (1 << 7 * more) - 1  # of a live stream: to the end
        stop = end if unknown else min(content + length, end)
        if identity in (_EBML_SEGMENT, _EBML_TRACKS, _EBML_ENTRY):
            yield from _ebml_tracks(stream, content, stop)
        elif identity == _EBML_TYPE:
            stream.seek(content)
            yield int.from_bytes(stream.read(length), "big") == _EBML_SOUND
        start = stop


def _number(data: bytes, *, marked: bool) -> tuple[int, int]:
    """Return EBML's number of variable length and how many bytes it has, 0 where there is none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    value = int.from_bytes(data[:length], "big")
    return (value if marked else value & ((1 << 7 * length) - 1)), length
