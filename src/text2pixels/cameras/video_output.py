"""Writing videos: whole or not at all, by the best encoder that this OpenCV has for the suffix.

Shapes: H, W frame; 3 RGB channels.
"""

import os
import shutil
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2

from text2pixels.cameras.video_input import name_for_opencv
from text2pixels.errors import InputError
from text2pixels.files import beside
from text2pixels.image.colour import Image8
from text2pixels.image.decode import quiet

# Suffix -> codecs, the preferred first. FFV1 is lossless, MPEG-4 shifts grays by up to 4 levels.
# VP8 comes before VP9, which takes ten times as long at the same quality.
CODECS = {
    ".avi": ("MJPG",),
    ".mkv": ("FFV1",),
    ".mov": ("avc1", "mp4v"),
    ".mp4": ("avc1", "mp4v"),
    ".webm": ("VP80", "VP90"),
}
NAMES = {"MJPG": "Motion JPEG", "FFV1": "FFV1", "avc1": "H.264", "mp4v": "MPEG-4", "VP80": "VP8", "VP90": "VP9"}
_ANY_SIZE = (".avi", ".webm")  # the others halve the resolution of colour and lose an odd row or column
_AVI_HEAD = 4096  # bytes, in which OpenCV writes the headers of an AVI file


def check_output(path: Path, size: tuple[int, int]) -> None:
    """Make sure that a video of (height, width) can be written there.

    Raises:
        InputError: a folder, a name that OpenCV does not take, or a suffix or size that no encoder here takes.
    """
    suffix = path.suffix.lower()
    if suffix not in CODECS:
        raise InputError(f"cannot write {path}: videos are written as {' or '.join(CODECS)}")
    name_for_opencv(path)
    # os.path says no of a name that is too long, pathlib raises.
    if os.path.isdir(path):  # noqa: PTH112
        raise InputError(f"{path} is a folder: name the video to write, such as {path / f'fused{suffix}'}")
    if suffix not in _ANY_SIZE and (size[0] % 2 or size[1] % 2):
        raise InputError(
            f"{path}: an {suffix} of {size[1]}x{size[0]} pixels would lose its odd row or column; use .avi"
        )


class VideoOutput:
    """A video written aside; it takes the place of ``path`` when the block ends well and every frame is there.

    OpenCV does not report a frame that it could not write, as on a full disk. So the finished file is read back.

    Attributes:
        codec: what it is coded by, for people.
        frames: how many were written.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        """Open an encoder.

        Args:
            path: the file to be.
            size: (height, width).
            rate: frames/s.

        Raises:
            InputError: see `check_output`; or this OpenCV has no encoder for the suffix.
        """
        check_output(path, size)
        self._path, self._rate, self.frames = path, rate, 0
        # A folder aside, in which the file keeps its name: OpenCV takes the format from the suffix.
        self._folder = beside(path)
        self._aside = self._folder / path.name
        try:
            self._folder.mkdir()
            self._aside.touch()
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        self._writer, self.codec = _encoder(self._aside, size, rate)
        if self._writer is None:
            shutil.rmtree(self._folder)
            raise InputError(f"cannot write {path}: this OpenCV has no encoder for {path.suffix}")

    def __enter__(self) -> "VideoOutput":
        """Return itself."""
        return self

    def write(self, frame: Image8) -> None:
        """Append a frame, RGB (H, W, 3) or gray (H, W)."""
        bgr = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR if frame.ndim == 2 else cv2.COLOR_RGB2BGR)
        self._writer.write(bgr)
        self.frames += 1

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """Put the video in its place, if it is whole."""
        self._writer.release()
        try:
            if kind is not None:
                return
            if self._path.suffix.lower() == ".avi":
                _set_rate(self._aside, self._rate)
            if (readable := _frames_in(self._aside)) != self.frames:
                free = shutil.disk_usage(self._aside.parent).free / 1e6
                raise InputError(
                    f"cannot write {self._path}: {readable} of {self.frames} frames could be read back "
                    f"({free:.0f} MB are free on that disk); what was there before is untouched"
                )
            self._aside.replace(self._path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _encoder(path: Path, size: tuple[int, int], rate: float) -> tuple[Any, str]:
    """Return OpenCV's writer and the name of its codec; None where there is none."""
    suffix, name = path.suffix.lower(), name_for_opencv(path)
    # FFmpeg's Motion JPEG is coarser and loses an odd row or column. OpenCV's own takes whole rates: see _set_rate.
    backend, rate = (cv2.CAP_OPENCV_MJPEG, max(rate, 1.0)) if suffix == ".avi" else (cv2.CAP_FFMPEG, rate)
    for codec in CODECS[suffix]:
        with quiet():  # FFmpeg prints why it has no encoder
            writer = cv2.VideoWriter(name, backend, cv2.VideoWriter.fourcc(*codec), rate, size[::-1])
        if writer.isOpened():
            return writer, NAMES[codec]
    return None, ""


def _set_rate(path: Path, rate: float) -> None:
    """Write the true rate, frames/s, into the headers of an AVI file that OpenCV wrote with a whole number.

    The fields are dwMicroSecPerFrame of the main header, dwScale and dwRate of the stream's (Microsoft, "AVI RIFF File
    Reference").
    """
    exact = Fraction(rate).limit_denominator(1_000_000)  # 30000/1001 stays what it is
    with path.open("r+b") as stream:
        head = stream.read(_AVI_HEAD)
        main, pictures = head.find(b"avih"), head.find(b"strh")
        if main < 0 or pictures < 0:
            return  # nothing could be written, which reading it back will show
        stream.seek(main + 8)
        stream.write(struct.pack("<I", min(round(1e6 / rate), 2**32 - 1)))
        stream.seek(pictures + 28)
        stream.write(struct.pack("<2I", exact.denominator, exact.numerator))


def _frames_in(path: Path) -> int:
    """Return how many frames of a video can be decoded."""
    with quiet():  # FFmpeg prints that a file was cut short; the caller says so
        capture = cv2.VideoCapture(name_for_opencv(path))
        try:
            count = 0
            while capture.grab() and capture.retrieve()[0]:
                count += 1
            return count
        finally:
            capture.release()
