"""Two live cameras: the newest frames are fused; frames that come while a pair is fused are dropped, never queued.

with Camera("rtsp://…") as infrared, Camera("/dev/video0") as visible:
    for pair in newest_pairs(infrared, visible, seconds=60):
        show(fuse_view(method, as_they_are(gray(pair.infrared), pair.visible)))
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from text2pixels.cameras.alignment import aligner_of, as_they_are, rig_from_pairs
from text2pixels.cameras.stills import Reading
from text2pixels.cameras.video_input import check_utf8
from text2pixels.cameras.video_output import VideoOutput, check_output
from text2pixels.cameras.view import fuse_view
from text2pixels.errors import InputError
from text2pixels.image import Image8, luminance, quantise
from text2pixels.image.decode import quiet
from text2pixels.image.reader import to_infrared
from text2pixels.methods.following import for_video
from text2pixels.methods.method import Method
from text2pixels.progress import bar
from text2pixels.registration.files import Rig

_PATIENCE = 10.0  # seconds without a frame, after which a camera counts as gone
_USUAL_RATE = 25.0  # frames/s, where a camera reports none
_FASTEST = 240.0  # frames/s; a camera that reports more does not mean its frame rate
_SETTLED = 2.0  # seconds, in which the infrared is watched for false colours: many cameras begin with black
_STOPS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # no SIGHUP on Windows
_RIG_PAIRS, _RIG_PAUSE = 8, 0.5  # pairs that a transform is found from, and seconds between them


def is_camera(given: str) -> bool:
    """Tell whether a source is a camera: a device number, a device, or the address of a stream."""
    return "://" in given or given.startswith("/dev/") or (given.isdecimal() and not Path(given).exists())


class Camera:
    """A camera whose newest frame is at hand; older ones are dropped.

    Attributes:
        source: as it was given.
        rate: frames/s that the camera reports.
        received: frames so far.
    """

    def __init__(self, source: str) -> None:
        """Open a camera and begin to read it.

        Args:
            source: "0", "/dev/video0", "rtsp://…", "http://…".

        Raises:
            InputError: it does not open.
        """
        check_utf8(source)
        self.source, self.received = source, 0
        with quiet():  # of the drivers' own messages: the error below says it in one line
            self._capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
        if not self._capture.isOpened():
            raise InputError(
                f"{source}: no camera answers: expected a device number (0), a device (/dev/video0) or the address of "
                "a stream (rtsp://…) that OpenCV can open"
            )
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = told if 0 < told <= _FASTEST else _USUAL_RATE
        self._newest: Image8 | None = None
        self._ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Camera":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading and let the camera go."""
        with self._news:
            self._ended = True
        self._thread.join()
        self._capture.release()

    def frame(self, after: int = 0) -> tuple[Image8, int] | None:
        """Return the newest frame, RGB (H, W, 3), and how many have come; wait for one beyond the first ``after``.

        Returns:
            None where the stream has ended, or nothing has come for ten seconds.
        """
        with self._news:
            self._news.wait_for(lambda: self._ended or self.received > after, timeout=_PATIENCE)
            if self._newest is None or self.received <= after:
                return None
            return np.ascontiguousarray(self._newest[..., ::-1]), self.received

    def has_ended(self, after: int) -> bool:
        """Say whether nothing will come beyond the first ``after`` frames."""
        with self._news:
            return self._ended and self.received <= after

    def _read(self) -> None:
        while not self._ended:
            found, frame = self._capture.read()
            with self._news:
                if found:
                    self._newest, self.received = frame, self.received + 1
                self._ended = self._ended or not found
                self._news.notify_all()


class LivePair(NamedTuple):
    """The newest frame of either camera, RGB (H, W, 3); seconds since the first pair; frames that each dropped."""

    infrared: Image8
    visible: Image8
    seconds: float
    dropped: tuple[int, int]


def newest_pairs(infrared: Camera, visible: Camera, seconds: float | None = None) -> Iterator[LivePair]:
    """Yield the newest frames of two cameras, at each new visible one, until one ends or the time is over."""
    start: float | None = None
    used = [0, 0]
    dropped = [0, 0]
    while (scene := visible.frame(used[1])) is not None and (thermal := infrared.frame()) is not None:
        start = time.monotonic() if start is None else start
        elapsed = time.monotonic() - start
        if seconds is not None and elapsed > seconds:
            return
        for side, (_, received) in enumerate((thermal, scene)):
            dropped[side] += max(received - used[side] - 1, 0) if used[side] else 0
            used[side] = received
        yield LivePair(thermal[0], scene[0], elapsed, (dropped[0], dropped[1]))
        if infrared.has_ended(used[0]):
            return


@dataclass
class LiveReport:
    """What a run did: pairs fused, frames written, seconds, frames dropped of each camera, codec, notes."""

    pairs: int = 0
    frames: int = 0
    seconds: float = 0.0
    dropped: tuple[int, int] = (0, 0)
    codec: str = ""
    notes: list[str] = field(default_factory=list)


def fuse_live(
    method: Method,
    infrared: str,
    visible: str,
    output: Path,
    phrases: Sequence[str] = (),
    *,
    reading: Reading | None = None,
    seconds: float | None = None,
    gray: bool = False,
) -> LiveReport:
    """Fuse two cameras into a video in real time, until one ends, the time is over, Ctrl-C, or SIGTERM or SIGHUP.

    The two signals are taken in the main thread alone, and not where the program has a handler of its own.

    Raises:
        InputError: a camera does not open, gives no frame or colours for infrared, sizes that differ without a
            transform, or an output that cannot be written.
    """
    reading, report, method = reading or Reading(), LiveReport(), for_video(method)
    if reading.span is not None:
        raise InputError("--infrared-range is for files: live cameras are read with 8 bits")
    with ExitStack() as stack:
        left, right = (stack.enter_context(Camera(source)) for source in (infrared, visible))
        first = [_first(camera) for camera in (left, right)]
        size = first[1].shape[:2]
        check_output(output, (size[0], size[1]))
        to_infrared(first[0], infrared, None, [])  # refuses a palette
        rig = _rig(reading, left, right, report)
        if rig is None and first[0].shape != first[1].shape:
            raise InputError(
                f"{infrared} is {first[0].shape[1]}x{first[0].shape[0]} and {visible} {size[1]}x{size[0]} pixels: they "
                "must have one size and be aligned; --register finds the transform, --matrix FILE takes one"
            )
        # The video is put in its place before the display ends, which fails where the terminal is gone.
        progress = stack.enter_context(bar())
        stop = stack.enter_context(_told_to_stop())
        writer = stack.enter_context(VideoOutput(output, (size[0], size[1]), right.rate))
        task = progress.add_task(f"fuse by {method.card.name} (Ctrl-C ends)", total=None, note="")
        try:
            for pair in newest_pairs(left, right, seconds):
                if pair.seconds < _SETTLED:
                    to_infrared(pair.infrared, infrared, None, [])  # refuses a palette
                thermal = quantise(luminance(pair.infrared))
                view = (
                    as_they_are(thermal, pair.visible) if rig is None else aligner_of(rig).view(thermal, pair.visible)
                )
                fused = fuse_view(method, view, phrases, gray=gray)
                # A picture is repeated until the video is as long as the time that has passed.
                for _ in range(int(pair.seconds * right.rate) + 1 - writer.frames):
                    writer.write(fused)
                report.pairs, report.seconds, report.dropped = report.pairs + 1, pair.seconds, pair.dropped
                speed = report.pairs / max(pair.seconds, 1e-3)
                progress.update(task, advance=1, note=f"{speed:.1f} frames/s, {pair.dropped[1]} dropped")
        except KeyboardInterrupt as error:
            report.notes.append(f"ended by {str(error) or 'the user'}")
        stop()
        if not writer.frames:
            raise InputError(f"{infrared}, {visible}: no pair of frames came")
        report.frames, report.codec = writer.frames, writer.codec
    return report


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], None]]:
    """Let the first SIGTERM or SIGHUP interrupt the block as Ctrl-C does; yield what makes them do nothing after that.

    `timeout` and service managers send several: no further one may keep the video from being finished.
    """
    armed = True

    def disarm() -> None:
        nonlocal armed
        armed = False

    def interrupt(number: int, _: object) -> None:
        if armed:
            disarm()
            raise KeyboardInterrupt(signal.Signals(number).name)

    # Python takes handlers in the main thread alone. What ignores the signal, as nohup does, goes on ignoring it.
    here = threading.current_thread() is threading.main_thread()
    replaced = [each for each in _STOPS if here and signal.getsignal(each) == signal.SIG_DFL]
    for each in replaced:
        signal.signal(each, interrupt)
    try:
        yield disarm
    finally:
        for each in replaced:
            signal.signal(each, signal.SIG_DFL)


def _first(camera: Camera) -> Image8:
    found = camera.frame()
    if found is None:
        raise InputError(f"{camera.source}: the camera opens but gives no frame")
    return found[0]


def _rig(reading: Reading, left: Camera, right: Camera, report: LiveReport) -> Rig | None:
    if reading.rig is not None or not reading.register:
        return reading.rig
    pairs: list[tuple[Any, Any]] = []
    for pair in newest_pairs(left, right):
        pairs.append((quantise(luminance(pair.infrared)), quantise(luminance(pair.visible))))
        if len(pairs) == _RIG_PAIRS:
            break
        time.sleep(_RIG_PAUSE)
    if not pairs:
        raise InputError(f"{left.source}, {right.source}: no pair of frames came")
    found = rig_from_pairs(pairs)
    report.notes.append(found.summary())
    return found.rig()
