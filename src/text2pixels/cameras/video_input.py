"""Reading videos: frames with their time stamps, 8 bits or raw counts; two videos side by side in time.

Shapes: H, W frame; 3 RGB channels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.cameras.sound import MP4_BEGINNINGS
from text2pixels.errors import InputError, Unusable
from text2pixels.image.colour import Image8, luminance, quantise
from text2pixels.image.decode import quiet
from text2pixels.image.depth import Span, common_span, infrared_to_8_bits
from text2pixels.image.reader import to_infrared

_DEEP_BITS = frozenset((9, 10, 12, 14, 16, 17, 33, 36, 64))
_DEEP_TAGS = frozenset(b"RGB0 BGR0 0RGB 0BGR P010 P016 Y210 Y216 Y410 Y416 v210 v410 b16g b48r b64a".split())
_COUNTS = b"Y1\x00\x10"  # gray of 16 bits, little-endian: the one deep format that OpenCV hands over whole
_USUAL_RATE = 25.0  # frames/s, where a file tells none
_FASTEST = 1000.0  # frames/s; beyond it, a container's clock stands in for the rate
_SAMPLES = 16  # frames that a range or a rig is found from

# How a video file begins: bytes, and where they stand. FFmpeg goes by the content, whatever the name: a playlist or a
# list for its "concat" would be followed to other files and addresses, so what is no video's beginning is not opened.
_BEGINNINGS = (
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"RIFF"),  # AVI
    *((4, atom) for atom in MP4_BEGINNINGS),  # MP4, QuickTime
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
        rate: frames/s as the file tells.
        count: frames as the file tells; 0 where it does not.
        size: (height, width), upright.
        counts: whether its frames are 16-bit counts.
    """

    path: Path
    rate: float
    count: int
    size: tuple[int, int]
    counts: bool
    capture: Any

    def frames(self) -> Iterator[Frame]:
        """Yield the frames that are left, in order."""
        start: float | None = None
        before = -1.0
        while (found := self.capture.read())[0]:
            stamp = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = stamp if start is None else start
            # Where a container has no time stamps, or runs backwards, frames follow one another at its rate.
            time = stamp - start if stamp - start > before else before + 1 / self.rate
            before = time
            yield Frame(self._pixels(found[1]), time)

    @property
    def seconds(self) -> float:
        """Return how long it is, as the file tells."""
        return self.count / self.rate

    def sample(self, seconds: float | None = None) -> list[NDArray[Any]]:
        """Return frames spread over the video, or its first ones where it cannot be searched; then start again.

        Args:
            seconds: look no further than this, as in a shorter partner; None: to the end.
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
        InputError: no video, or one of a depth that cannot be read whole.
    """
    if not path.is_file():  # a pipe would be waited for
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


def _check_beginning(path: Path) -> None:
    """Refuse a file that is no container of video, and above all a list of other files.

    Raises:
        InputError: it is one.
    """
    with path.open("rb") as stream:
        head = stream.read(256)
    if any(head[at : at + len(mark)] == mark for at, mark in _BEGINNINGS):
        return
    raise InputError(
        f"{path} is not a video, whatever its name: its first bytes are none of one; lists of files are not followed"
    )


def _open(capture: Any, path: Path, counts: bool) -> None:  # noqa: ANN401  (OpenCV is untyped)
    with quiet():  # FFmpeg prints what is then said in one line
        if counts:
            capture.open(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_CONVERT_RGB, 0])
        else:
            capture.open(str(path))
    if not capture.isOpened():
        raise InputError(f"{path} is not a video that OpenCV can read")


def _check_depth(path: Path, tag: bytes) -> None:
    """Refuse a video of more than 8 bits, of which OpenCV gives the high byte alone.

    OpenCV tells FFmpeg's tag of the pixel format (libavcodec/raw_pix_fmt_tags.h): the bits are its last byte,
    or its first where the bytes are swapped (Y, 1, 0, 16 is gray of 16 bits), but for a few that are words.

    Raises:
        InputError: it is one.
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
            video: at its start, and at its start again afterwards.
            span: counts that become 0 and 255; None: found in frames spread over the video, once.

        Raises:
            InputError: colours of which the brightness is no temperature, or a span for a video of 8 bits.
        """
        self.span = span
        if video.counts:
            self.span = span or common_span(video.sample())
            return
        if span is not None:
            raise InputError(
                f"{video.path} has 8 bits: --infrared-range is for raw counts, of more than 8; leave it out"
            )
        for frame in video.sample()[:1]:
            to_infrared(frame, video.path, None, [])

    def gray(self, frame: NDArray[Any]) -> Image8:
        """Return a frame as 8-bit gray, (H, W)."""
        return infrared_to_8_bits(frame, self.span) if frame.ndim == 2 else quantise(luminance(frame))


def coloured_infrared(visible: Video, error: Unusable) -> InputError:
    """Return the error of an infrared video in colours, with what a gray visible one beside it suggests."""
    gray = all((frame == frame[..., :1]).all() for frame in visible.sample()[:1])
    hint = f"; {visible.path} is gray, so the two may be swapped" if gray else ""
    return InputError(f"{error}{hint}")


class InStep:
    """Two videos side by side: for each moment of the visible one's rate, the frame of either nearest in time.

    Attributes:
        widest: seconds, the largest distance between the two frames of a pair so far.
        skipped: visible frames left out, as another was nearer.
        repeated: visible frames shown again, as no other was nearer.
    """

    def __init__(self, infrared: Video, visible: Video) -> None:
        self.widest, self.skipped, self.repeated = 0.0, 0, 0
        self._left, self._right = (_Nearest(video, 0.5 / visible.rate) for video in (infrared, visible))
        self._rate = visible.rate
        self._paired = (0, 0)  # frames used for the last pair

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield pairs of pixels until one video has ended."""
        tick = 0
        while True:
            left, right = self._left.at(tick / self._rate), self._right.at(tick / self._rate)
            if left is None or right is None:
                return
            passed = self._right.used - self._paired[1]
            self._paired = self._left.used, self._right.used
            self.skipped += max(passed - 1, 0)
            self.repeated += passed == 0
            self.widest = max(self.widest, abs(left.time - right.time))
            yield left.pixels, right.pixels
            tick += 1

    def rest(self) -> tuple[int, int]:
        """Return how many frames of the infrared and of the visible video have no partner, once one has ended."""
        left, right = self._paired
        return self._left.after(left), self._right.after(right)


class _Nearest:
    """Walks through a video and holds the frame nearest to a moment."""

    def __init__(self, video: Video, slack: float) -> None:
        # The last frame, too, is shown for its video's period, but for what two clocks may differ by.
        self._frames, self._last = video.frames(), 1 / video.rate - slack
        self._now, self._next = next(self._frames, None), next(self._frames, None)
        self.used = int(self._now is not None)

    def at(self, time: float) -> Frame | None:
        """Return the frame nearest to a time that never decreases; None beyond the last frame's."""
        while self._now is not None and self._next is not None and self._next.time - time < time - self._now.time:
            self._now, self._next = self._next, next(self._frames, None)
            self.used += 1
        ended = self._now is None or (self._next is None and time - self._now.time > self._last)
        return None if ended else self._now

    def after(self, used: int) -> int:
        """Return how many frames come after the first ``used`` ones; the video is read to its end."""
        return self.used - used + (self._next is not None) + sum(1 for _ in self._frames)
