"""Two videos in, one fused video out; frames are streamed, one pair in memory at a time."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from text2pixels.errors import InputError
from text2pixels.files import beside
from text2pixels.image.colour import luminance, quantise
from text2pixels.methods.convention import fuse_picture
from text2pixels.methods.method import Image8, Method, Phrases
from text2pixels.progress import bar

# Suffix -> codec that OpenCV's own build writes everywhere; FFV1 is lossless, MPEG-4 shifts grays by up to 4 levels.
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "FFV1"}
_DEEP_BITS = frozenset((9, 10, 12, 14, 16, 17, 33, 36, 64))
_DEEP_TAGS = frozenset(b"RGB0 BGR0 0RGB 0BGR P010 P016 Y210 Y216 Y410 Y416 v210 v410 b16g b48r b64a".split())
_SAME_RATE = 0.002  # of the rate: 30 and 29.97 part by one frame in half a minute, which two clocks do as well


@dataclass(frozen=True)
class Report:
    """What came of it: frames fused, frames that only one video had, seconds, frames per second of the input."""

    frames: int
    left_over: int
    seconds: float
    rate: float


def fuse_videos(
    method: Method, infrared: Path, visible: Path, output: Path, phrases: Phrases = (), *, gray: bool = False
) -> Report:
    """Fuse frame by frame, at the visible video's rate, until the shorter video ends.

    Raises:
        InputError: a video cannot be read or has more than 8 bits, sizes or frame rates differ, or the output's
            suffix or size has no codec here.
    """
    with _reader(infrared) as left, _reader(visible) as right:
        size = _size(right)
        if 0 in (*size, *_size(left)):
            raise InputError(f"{visible if 0 in size else infrared} is not a video that OpenCV can read")
        if _size(left) != size:
            raise InputError(
                f"{infrared} is {_size(left)[0]}x{_size(left)[1]} and {visible} {size[0]}x{size[1]} pixels: "
                "they must have one size and be aligned"
            )
        for path, video in ((infrared, left), (visible, right)):
            _check_depth(path, video)
        rates = [video.get(cv2.CAP_PROP_FPS) or 25.0 for video in (left, right)]
        if abs(rates[0] - rates[1]) > _SAME_RATE * max(rates):
            raise InputError(
                f"{infrared} runs at {rates[0]:g} frames/s and {visible} at {rates[1]:g}: frames are paired by number, "
                f"so give both one rate first (ffmpeg -i IN -vf fps={max(rates):g} OUT)"
            )
        rate = rates[1]
        total = int(right.get(cv2.CAP_PROP_FRAME_COUNT))
        start, frames = time.perf_counter(), 0
        with _Output(output, size, rate) as writer, bar() as progress:
            task = progress.add_task(f"fuse by {method.card.name}", total=total or None, note="")
            while True:
                infrared_frame, visible_frame = _next(left), _next(right)
                if infrared_frame is None or visible_frame is None:
                    break
                fused = fuse_picture(method, quantise(luminance(infrared_frame)), visible_frame, phrases, gray=gray)
                writer.write(cv2.cvtColor(fused, cv2.COLOR_GRAY2BGR) if fused.ndim == 2 else fused[..., ::-1].copy())
                frames += 1
                progress.update(task, advance=1, note=f"{frames / (time.perf_counter() - start):.1f} frames/s")
            if not frames:
                raise InputError(f"{infrared if infrared_frame is None else visible} has no frame that can be read")
        left_over = _count(infrared_frame, left) + _count(visible_frame, right)
        return Report(frames, left_over, time.perf_counter() - start, rate)


@contextmanager
def _reader(path: Path) -> Iterator[Any]:
    if not path.is_file():  # a pipe would be waited for
        raise InputError(f"{path} is not a video file: save it to a file first")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InputError(f"{path} is not a video that OpenCV can read")
        yield capture
    finally:
        capture.release()


def _check_depth(path: Path, capture: Any) -> None:  # noqa: ANN401
    """Refuse a video of more than 8 bits, of which OpenCV gives the high byte alone.

    OpenCV tells FFmpeg's tag of the pixel format (libavcodec/raw_pix_fmt_tags.h): the bits are its last byte,
    or its first where the bytes are swapped (Y, 1, 0, 16 is gray of 16 bits), but for a few that are words.

    Raises:
        InputError: it is one.
    """
    tag = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)).to_bytes(8, "little", signed=True)[:4]
    packed = b"RGB" in tag or b"BGR" in tag  # the number is the bits of a whole pixel
    if tag in _DEEP_TAGS or (not packed and not _DEEP_BITS.isdisjoint((tag[0], tag[3]))):
        name = " ".join(chr(byte) if 32 < byte < 127 else str(byte) for byte in tag)
        raise InputError(
            f"{path}: its pixel format ({name}) has more than 8 bits, of which only the high ones could be read: "
            "convert it to 8 bits over the range of the scene, or fuse a folder of 16-bit images"
        )


class _Output:
    """A video written aside; it takes the place of ``path`` when the block ends well and every frame is there.

    OpenCV says nothing of a frame that it could not write, as on a full disk: the finished file is read again.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        suffix = path.suffix.lower()
        if suffix not in CODECS:
            raise InputError(f"cannot write {path}: videos are written as {' or '.join(CODECS)}")
        if suffix != ".avi" and (size[0] % 2 or size[1] % 2):
            raise InputError(
                f"{path}: an {suffix} of {size[0]}x{size[1]} pixels would lose its odd row or column; use .avi"
            )
        self._path, self._frames = path, 0
        # A folder, as the name of the file tells OpenCV its format.
        self._folder = beside(path)
        self._folder.mkdir()
        self._aside = self._folder / path.name
        backend = cv2.CAP_OPENCV_MJPEG if suffix == ".avi" else cv2.CAP_FFMPEG
        codec = cv2.VideoWriter.fourcc(*CODECS[suffix])
        self._writer = cv2.VideoWriter(str(self._aside), backend, codec, rate, size)

    def __enter__(self) -> "_Output":
        if not self._writer.isOpened():
            shutil.rmtree(self._folder)
            raise InputError(f"cannot write {self._path}: this OpenCV has no encoder for {self._path.suffix}")
        return self

    def write(self, frame: Image8) -> None:
        """Append a frame, BGR (H, W, 3)."""
        self._writer.write(frame)
        self._frames += 1

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._writer.release()
        try:
            if kind is not None:
                return
            if (readable := _frames_in(self._aside)) != self._frames:
                free = shutil.disk_usage(self._aside.parent).free / 1e6
                raise InputError(
                    f"cannot write {self._path}: {readable} of {self._frames} frames could be read back "
                    f"({free:.0f} MB are free on that disk); what was there before is untouched"
                )
            self._aside.replace(self._path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _frames_in(path: Path) -> int:
    """Return how many frames of a video can be decoded."""
    capture = cv2.VideoCapture(str(path))
    try:
        count = 0
        while capture.grab() and capture.retrieve()[0]:
            count += 1
        return count
    finally:
        capture.release()


def _next(capture: Any) -> Image8 | None:  # noqa: ANN401  (OpenCV is untyped)
    found, frame = capture.read()
    return np.ascontiguousarray(frame[..., ::-1]) if found else None


def _count(frame: Image8 | None, capture: Any) -> int:  # noqa: ANN401
    """Return how many frames are left, the one in hand included."""
    count = 0
    while frame is not None:
        count, frame = count + 1, _next(capture)
    return count


def _size(capture: Any) -> tuple[int, int]:  # noqa: ANN401
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
