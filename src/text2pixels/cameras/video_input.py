"""Reading videos: frames with their time stamps, 8 bits or raw counts; and whether a file has sound.

Shapes: H, W frame; 3 RGB channels.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError, Unusable
from text2pixels.image.colour import Image8, luminance, quantise
from text2pixels.image.decode import quiet
from text2pixels.image.depth import Span, common_span, infrared_to_8_bits
from text2pixels.image.reader import to_infrared

_DEEP_BITS = frozenset((9, 10, 12, 14, 16, 17, 33, 36, 64))
_DEEP_TAGS = frozenset(b"RGB0 BGR0 0RGB 0BGR P010 P016 Y210 Y216 Y410 Y416 v210 v410 b16g b48r b64a".split())
_COUNTS = b"Y1\x00\x10"  # gray of 16 bits, little-endian: the one deep format that OpenCV hands over whole
_USUAL_RATE = 25.0  # frames/s, where a file has none
_FASTEST = 1000.0  # frames/s; more than this is the container's clock and no frame rate
_SAMPLES = 16  # frames that a range or a rig is found from, and false colours
_FEW, _SHARE = 2, 0.02  # frames, and of the header's count: it may be this wrong, as some containers only estimate it

_MP4_BEGINNINGS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_MP4_PARENTS = (b"moov", b"trak", b"mdia")
_EBML_SEGMENT, _EBML_TRACKS, _EBML_ENTRY, _EBML_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
_EBML_SOUND = 2  # track type
_HEAD = 65536  # bytes, in which an AVI file lists its streams

# How a video file begins: where the bytes are, and which. FFmpeg goes by the content, not by the name, and opens the
# other files and addresses that a playlist or "concat" list names. So a file that begins otherwise is not opened.
_BEGINNINGS = (
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"RIFF"),  # AVI
    *((4, atom) for atom in _MP4_BEGINNINGS),  # MP4, QuickTime
    (0, b"\0\0\1"),  # MPEG program and elementary streams
    (0, b"\0\0\0\1"),  # H.264 and H.265 without a container
    (188, b"G"),  # MPEG transport stream: its packets have 188 bytes
    (196, b"G"),  # the same of camcorders: four bytes of time before each packet
    (0, b"FLV\1"),
    (0, b"OggS"),
    (0, b"0&\xb2u\x8ef\xcf\x11"),  # ASF, WMV
)


class Frame(NamedTuple):
    """A frame and when it was taken: RGB (H, W, 3) of 8 bits or counts (H, W) of 16, seconds from the first frame."""

    pixels: NDArray[Any]
    time: float


@dataclass
class Video:
    """An open video file.

    Attributes:
        path: the file.
        rate: frames/s, by the file's header.
        count: frames, by the file's header; 0 where it has no number.
        size: (height, width), upright.
        counts: whether its frames are 16-bit counts.
        given: frames that `frames` has yielded so far.
        last: when the last of them was taken, seconds from the first.
    """

    path: Path
    rate: float
    count: int
    size: tuple[int, int]
    counts: bool
    capture: Any
    given: int = 0
    last: float = 0.0

    def frames(self) -> Iterator[Frame]:
        """Yield the frames that are left, in order."""
        start: float | None = None
        before = -1.0
        while True:
            with quiet():  # FFmpeg prints where a file was cut short; `is_cut` is how the caller says so
                found, pixels = self.capture.read()
            if not found:
                return
            stamp = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = stamp if start is None else start
            # Where time stamps are missing or run backwards, frames follow one another at the video's rate.
            time = stamp - start if stamp - start > before else before + 1 / self.rate
            before = time
            self.given, self.last = self.given + 1, time
            yield Frame(self._pixels(pixels), time)

    @property
    def is_cut(self) -> bool:
        """Whether the video, of which all frames have been read, ends well before its header says."""
        # By number and by time: where frames are uneven in time, some containers give a rate and so a number that is
        # wrong, but the right length.
        reached = max(self.given, self.last * self.rate + 1)
        return self.count - reached > max(_FEW, _SHARE * self.count)

    @property
    def seconds(self) -> float:
        """The length of the video, by the file's header."""
        return self.count / self.rate

    def sample(self, seconds: float | None = None) -> list[NDArray[Any]]:
        """Return frames spread over the video, or its first ones where it cannot be searched; then start again.

        Args:
            seconds: look no further than this, such as the end of a shorter partner; None: to the end.
        """
        found = []
        last = max((self.count if seconds is None else min(round(seconds * self.rate), self.count)) - 1, 0)
        with quiet():  # FFmpeg prints that it begins in the middle
            for index in sorted({round(place) for place in np.linspace(0, last, _SAMPLES)}):
                if self.count > _SAMPLES:
                    self.capture.set(cv2.CAP_PROP_POS_FRAMES, index)
                read, frame = self.capture.read()
                if not read:
                    break
                found.append(self._pixels(frame))
        self.capture.release()
        _open(self.capture, self.path, self.counts)
        return found

    def _pixels(self, frame: NDArray[Any]) -> NDArray[Any]:
        return frame.reshape(self.size) if self.counts else np.ascontiguousarray(frame[..., ::-1])


@contextmanager
def open_video(path: Path, *, infrared: bool) -> Iterator[Video]:
    """Open a video file.

    Args:
        path: the file.
        infrared: whether gray of 16 bits may be read as counts; a visible video has 8 bits.

    Raises:
        InputError: no video, one of a depth that cannot be read whole, or a name that OpenCV does not take.
    """
    if not path.is_file():  # reading a pipe would block
        raise InputError(f"{path} is not a video file: save it to a file first")
    _check_beginning(path)
    capture = cv2.VideoCapture()
    try:
        _open(capture, path, counts=False)
        tag = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)).to_bytes(8, "little", signed=True)[:4]
        counts = infrared and tag == _COUNTS
        if counts:
            capture.release()
            _open(capture, path, counts=True)
        else:
            _check_depth(path, tag)
        size = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        if 0 in size:
            raise InputError(f"{path} is not a video that OpenCV can read")
        told = capture.get(cv2.CAP_PROP_FPS)
        rate = told if 0 < told <= _FASTEST else _USUAL_RATE
        yield Video(path, rate, max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0), size, counts, capture)
    finally:
        capture.release()


def name_for_opencv(path: Path) -> str:
    """Return the name by which OpenCV opens a file.

    Raises:
        InputError: see `check_utf8`.
    """
    # Absolute, as FFmpeg takes what is before a colon, as in 12:30:05.mkv, for a protocol.
    name = str(path.absolute())
    check_utf8(name)
    return name


def check_utf8(name: str) -> None:
    """Refuse a name that is not UTF-8, at which OpenCV crashes.

    Raises:
        InputError: it is not.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: OpenCV takes names in UTF-8 alone: rename the file or its folder") from error


def _check_beginning(path: Path) -> None:
    """Refuse a file that does not begin like a video, above all a list of other files.

    Raises:
        InputError: it does not.
    """
    with path.open("rb") as stream:
        head = stream.read(256)
    if any(head[at : at + len(mark)] == mark for at, mark in _BEGINNINGS):
        return
    raise InputError(
        f"{path} is not a video, whatever its name: its first bytes are none of one; lists of files are not followed"
    )


def _open(capture: Any, path: Path, counts: bool) -> None:  # noqa: ANN401  (OpenCV is untyped)
    name = name_for_opencv(path)
    with quiet():  # of FFmpeg's own messages: the error below says it in one line
        if counts:
            capture.open(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_CONVERT_RGB, 0])
        else:
            capture.open(name)
    if not capture.isOpened():
        raise InputError(f"{path} is not a video that OpenCV can read")


def _check_depth(path: Path, tag: bytes) -> None:
    """Refuse a video of more than 8 bits, of which OpenCV gives the high byte alone.

    OpenCV reports FFmpeg's tag of the pixel format (libavcodec/raw_pix_fmt_tags.h): the number of bits is its last
    byte, or its first where the bytes are swapped (Y, 1, 0, 16 is gray of 16 bits); a few tags are words.

    Raises:
        InputError: it has more than 8 bits.
    """
    packed = b"RGB" in tag or b"BGR" in tag  # the number is the bits of a whole pixel
    if tag in _DEEP_TAGS or (not packed and not _DEEP_BITS.isdisjoint((tag[0], tag[3]))):
        name = " ".join(chr(byte) if 32 < byte < 127 else str(byte) for byte in tag)
        raise InputError(
            f"{path}: its pixel format ({name}) has more than 8 bits, of which only the high ones could be read: "
            "infrared is read whole as FFV1 of 16-bit gray (ffmpeg -i IN -c:v ffv1 -pix_fmt gray16le OUT.mkv), visible "
            "has 8 bits; or fuse folders of images"
        )


class Thermal:
    """Turns the frames of an infrared video into 8-bit gray, by one rule for all of them."""

    def __init__(self, video: Video, span: Span | None) -> None:
        """Find the rule.

        Args:
            video: at its start, to which it returns.
            span: counts that become 0 and 255; None: found in frames spread over the video, once.

        Raises:
            InputError: false colours, whose brightness is no temperature, or a span for a video of 8 bits.
        """
        self.span = span
        if video.counts:
            self.span = span or common_span(video.sample())
            return
        if span is not None:
            raise InputError(
                f"{video.path} has 8 bits: --infrared-range is for raw counts, of more than 8; leave it out"
            )
        for frame in video.sample():  # not the first alone: many cameras begin with a black one
            to_infrared(frame, video.path, None, [])

    def gray(self, frame: NDArray[Any]) -> Image8:
        """Return a frame as 8-bit gray, (H, W)."""
        return infrared_to_8_bits(frame, self.span) if frame.ndim == 2 else quantise(luminance(frame))


def coloured_infrared(visible: Video, error: Unusable) -> InputError:
    """Return the error of an infrared video in colours, with a hint where the visible one is gray."""
    gray = all((frame == frame[..., :1]).all() for frame in visible.sample())
    hint = f"; {visible.path} is gray, so the two may be swapped" if gray else ""
    return InputError(f"{error}{hint}")


def has_sound(path: Path) -> bool | None:
    """Say whether an AVI, MP4, QuickTime, Matroska or WebM file has a track of sound; None of other containers.

    It is read from the container's headers, as OpenCV tells of pictures alone.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if head[:4] == b"RIFF":
            return b"strh" in head and b"auds" in head
        size = path.stat().st_size
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return any(_ebml_tracks(stream, 0, size))
        return any(_mp4_tracks(stream, 0, size)) if head[4:8] in _MP4_BEGINNINGS else None


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
        unknown = length == (1 << 7 * more) - 1  # a live stream's element: it goes to the end
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
