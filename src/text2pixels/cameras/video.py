"""Two videos in, one fused video out; frames are streamed, one pair in memory at a time."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from text2pixels.cameras import rigs
from text2pixels.cameras.alignment import aligner_of, as_they_are, rig_of
from text2pixels.cameras.sound import has_sound
from text2pixels.cameras.stills import Reading
from text2pixels.cameras.video_input import InStep, Thermal, Video, coloured_infrared, open_video
from text2pixels.cameras.video_output import VideoOutput, check_output
from text2pixels.cameras.view import View, fuse_view
from text2pixels.errors import InputError, Unusable
from text2pixels.image import Image8, luminance, quantise
from text2pixels.image.depth import Span
from text2pixels.methods.method import Method
from text2pixels.progress import bar
from text2pixels.registration.files import Rig

_SAME_RATE = 0.002  # of the rate: 30 and 29.97 part by one frame in half a minute, which two clocks do as well
_SAME_MOMENT = 0.6  # of a frame's time: so far two frames taken at one moment may lie apart


@dataclass
class Report:
    """What came of it.

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

    Raises:
        InputError: a video cannot be read whole, sizes that differ without a transform, or an output whose suffix or
            size no encoder takes.
    """
    reading, report = reading or Reading(), Report()
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
    found = rigs.of_pairs(pairs)
    report.notes.append(rigs.summary(found))
    return rig_of(found.estimate, *pairs[0])


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
    for video, count in zip((left, right), steps.rest(), strict=True):
        if count > 0:
            notes.append(f"{video.path} is longer: its last {count} frames have no partner")
    words = {True: "its sound is not taken over", None: "sound, if it has any, is not taken over"}
    sounds = [(video.path, has_sound(video.path)) for video in (left, right)]
    return notes + [f"{path}: {words[sound]}" for path, sound in sounds if sound is not False]
