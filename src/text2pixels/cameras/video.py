"""Two videos in, one fused video out; frames are streamed, one pair in memory at a time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from text2pixels.cameras.alignment import aligner_of, as_they_are, rig_from_pairs
from text2pixels.cameras.stills import Reading
from text2pixels.cameras.video_input import Frame, Thermal, Video, coloured_infrared, has_sound, open_video
from text2pixels.cameras.video_output import VideoOutput, check_output
from text2pixels.cameras.view import View, fuse_view
from text2pixels.errors import InputError, Unusable
from text2pixels.image import Image8, luminance, quantise
from text2pixels.image.depth import Span
from text2pixels.methods.following import for_video
from text2pixels.methods.method import Method
from text2pixels.progress import bar
from text2pixels.registration.files import Rig

_SAME_RATE = 0.002  # of the rate: 30 and 29.97 frames/s differ by a frame in half a minute, no more than two clocks
_SAME_MOMENT = 0.6  # of a frame's time: two frames of one moment may be this far apart


@dataclass
class Report:
    """What a run did.

    Attributes:
        frames: fused.
        seconds: that it took.
        rate: of the output, frames/s.
        codec: of the output.
        span: counts shown as black and white; None for 8 bits.
        notes: a line for each thing about the videos that the output does not show.
    """

    frames: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    codec: str = ""
    span: Span | None = None
    notes: list[str] = field(default_factory=list)


class InStep:
    """Two videos in step: at each tick of the visible video's rate, the frame of each that is nearest in time.

    Attributes:
        widest: seconds, the largest distance between the two frames of a pair so far.
        skipped: visible frames left out, as another was nearer to each tick.
        repeated: visible frames shown again, as no other was nearer to the next tick.
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
        # The last frame lasts a period of its video, less what the clocks of the two videos may differ by.
        self._frames, self._last = video.frames(), 1 / video.rate - slack
        self._now, self._next = next(self._frames, None), next(self._frames, None)
        self.used = int(self._now is not None)

    def at(self, time: float) -> Frame | None:
        """Return the frame nearest to a time, which never decreases; None after the end of the last frame."""
        while self._now is not None and self._next is not None and self._next.time - time < time - self._now.time:
            self._now, self._next = self._next, next(self._frames, None)
            self.used += 1
        ended = self._now is None or (self._next is None and time - self._now.time > self._last)
        return None if ended else self._now

    def after(self, used: int) -> int:
        """Return how many frames come after the first ``used`` ones; the video is read to its end."""
        return self.used - used + (self._next is not None) + sum(1 for _ in self._frames)


def fuse_videos(
    method: Method,
    infrared: Path,
    visible: Path,
    output: Path,
    phrases: Sequence[str] = (),
    *,
    reading: Reading | None = None,
    gray: bool = False,
) -> Report:
    """Fuse frame by frame, at the visible video's rate, until the shorter video ends.

    A video that ends before its header says is fused as far as it goes, with a note.

    Raises:
        InputError: a video that cannot be read, or not in its full depth, sizes that differ without a transform, or an
            output that is a folder or whose suffix or size no encoder takes.
    """
    reading, report, method = reading or Reading(), Report(), for_video(method)
    with ExitStack() as stack:
        left, right = (
            stack.enter_context(open_video(path, infrared=thermal))
            for path, thermal in ((infrared, True), (visible, False))
        )
        check_output(output, right.size)
        if infrared.samefile(visible):
            raise InputError(f"{infrared} and {visible} are one file: give the infrared video, then the visible one")
        try:
            thermal = Thermal(left, reading.span)
        except Unusable as error:
            raise coloured_infrared(right, error) from error
        rig = _rig(reading, left, right, thermal, report)
        report.rate, report.span = right.rate, thermal.span
        steps = InStep(left, right)
        start = time.perf_counter()
        writer = stack.enter_context(VideoOutput(output, right.size, right.rate))
        with bar() as progress:
            task = progress.add_task(f"fuse by {method.card.name}", total=right.count or None, note="")
            for counts, scene in steps:
                view = _view(rig, thermal.gray(counts), scene)
                writer.write(fuse_view(method, view, phrases, gray=gray))
                report.frames += 1
                report.seconds = time.perf_counter() - start
                progress.update(task, advance=1, note=f"{report.frames / report.seconds:.1f} frames/s")
        if not report.frames:
            raise InputError(f"{infrared} or {visible} has no frame that can be read")
        report.codec = writer.codec
        report.notes += _notes(left, right, steps)
    return report


def _rig(reading: Reading, left: Video, right: Video, thermal: Thermal, report: Report) -> Rig | None:
    """Return the transform that is given or found; None where the infrared lies on the visible frame already."""
    if reading.rig is not None:
        return reading.rig
    if not reading.register:
        if left.size != right.size:
            (ir_height, ir_width), (height, width) = left.size, right.size
            raise InputError(
                f"{left.path} is {ir_width}x{ir_height} and {right.path} {width}x{height} pixels: they must have one "
                "size and be aligned; --register finds the transform and applies it, --matrix FILE applies one that "
                "t2p register wrote"
            )
        return None
    seconds = min(left.seconds, right.seconds)
    scenes = (quantise(luminance(frame)) for frame in right.sample(seconds))
    pairs = list(zip(map(thermal.gray, left.sample(seconds)), scenes, strict=False))
    found = rig_from_pairs(pairs)
    report.notes.append(found.summary())
    return found.rig()


def _view(rig: Rig | None, infrared: Image8, visible: Image8) -> View:
    return as_they_are(infrared, visible) if rig is None else aligner_of(rig).view(infrared, visible)


def _notes(left: Video, right: Video, steps: InStep) -> list[str]:
    """Return what the output does not show of two videos that were fused."""
    notes = []
    if abs(left.rate - right.rate) > _SAME_RATE * max(left.rate, right.rate):
        notes.append(
            f"{left.path} runs at {left.rate:g} frames/s and {right.path} at {right.rate:g}: frames are paired by "
            f"their time stamps, at most {steps.widest * 1000:.0f} ms apart"
        )
    elif steps.widest > _SAME_MOMENT / right.rate:
        notes.append(f"frames are paired by their time stamps, at most {steps.widest * 1000:.0f} ms apart")
    if steps.skipped or steps.repeated:
        notes.append(
            f"{right.path}: its frames are not evenly spaced; at {right.rate:g} frames/s {steps.skipped} are left out "
            f"and {steps.repeated} shown again"
        )
    rest = steps.rest()  # reads both videos to their ends
    for video in (left, right):
        if video.is_cut:
            notes.append(
                f"{video.path} ends after {video.given} of {video.count} frames: it is cut short or damaged there, or "
                "its header is wrong"
            )
    for video, other, count in ((left, right, rest[0]), (right, left, rest[1])):
        if count > 0:
            longer = ":" if other.is_cut else " is longer:"
            notes.append(f"{video.path}{longer} its last {count} frames have no partner")
    words = {True: "its sound is not taken over", None: "sound, if it has any, is not taken over"}
    sounds = [(video.path, has_sound(video.path)) for video in (left, right)]
    return notes + [f"{path}: {words[sound]}" for path, sound in sounds if sound is not False]
