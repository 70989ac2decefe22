"""What `t2p fuse` and `t2p register` do and say, one function for each kind of input."""

from dataclasses import dataclass, replace
from pathlib import Path

import typer

from text2pixels import __version__
from text2pixels.cameras import folders, live, video
from text2pixels.cameras.alignment import rig_from_files, unequal
from text2pixels.cameras.pairing import pair_folders, read_pair_prompts
from text2pixels.cameras.recipe import Recipe
from text2pixels.cameras.stills import Reading, any_deep, check_suffix, range_of, write_image
from text2pixels.cameras.view import fuse_view
from text2pixels.errors import InputError
from text2pixels.files import check_outputs
from text2pixels.image import luminance, quantise, read_infrared, read_visible
from text2pixels.image.depth import Span
from text2pixels.image.radiometry import in_counts
from text2pixels.progress import say, track
from text2pixels.registration import files
from text2pixels.registration.estimate import estimate


@dataclass(frozen=True)
class Task:
    """What `t2p fuse` was asked for.

    Attributes:
        recipe: the method.
        reading: how files become views.
        infrared, visible: files or folders.
        output: file or folder.
        phrases: for every pair that has none of its own.
        gray: write the luminance alone.
        others: further files that are read: prompts, a transform.
    """

    recipe: Recipe
    reading: Reading
    infrared: Path
    visible: Path
    output: Path
    phrases: list[str]
    gray: bool
    others: tuple[Path, ...] = ()


def fuse_pair(task: Task, attention: Path | None) -> None:
    """Fuse two images into one, with maps of attention if asked for.

    Raises:
        InputError: what cannot be read, fused or written.
    """
    method, output = task.recipe.load(), task.output
    if output.is_dir():
        output = output / f"{task.visible.stem}.png"
    check_suffix(output)
    inputs = [task.infrared, task.visible, *task.others]
    check_outputs([output], inputs)
    notes: list[str] = []
    reading = _with_range(task.reading, [task.infrared])
    view = reading.view(task.infrared, task.visible, notes)
    fused = fuse_view(method, view, task.phrases, gray=task.gray)
    pictures = {}
    if attention is not None:
        from text2pixels.methods.attention_maps import draw_attention

        drawn = draw_attention(method, view.infrared_HW, view.visible_HW3, task.phrases)
        pictures = {attention / name: image for name, image in drawn.items()}
        check_outputs([output, *pictures], inputs)
    say(notes)
    for path, picture in pictures.items():
        write_image(path, picture)
    write_image(output, fused)
    typer.echo(f"{output}: fused by {method.card.label}{range_text(reading.span)}")
    if view.field is not None:
        typer.echo(f"there is infrared in {view.field.share:.0%} of the frame; elsewhere the visible stays as it is")
    for path in pictures:
        typer.echo(f"{path}")


def fuse_folders(task: Task, prompts: Path | None, *, again: bool, workers: int, dask: str | None) -> None:
    """Fuse what can be fused, report the rest.

    Raises:
        InputError: nothing could be fused.
        typer.Exit: with code 1, where some pairs could not be fused.
    """
    pairing = pair_folders(task.infrared, task.visible)
    folders.check_folder(task.output, pairing, task.others, again=again)
    own: dict[str, list[str]] = {}
    if prompts is not None:
        names = [path.resolve().name for path in (task.infrared, task.visible)]
        read = read_pair_prompts(prompts, pairing.pairs, names)
        own = read.phrases
        say(read.notes)
    say([*pairing.notes, *(f"unpaired: {path}" for path in pairing.unpaired)])
    pairs = list(pairing.pairs.values())
    reading = _with_range(_with_rig(task.reading, pairs), [infrared for infrared, _ in pairs])
    plan = folders.Plan(task.recipe, reading, task.gray, again=again)
    plan = replace(plan, settings=folders.settings_of(plan, __version__))
    done = folders.fuse_folders(
        plan, pairing, task.output, lambda name: own.get(name, task.phrases), workers=workers, dask=dask
    )
    card = task.recipe.load().card
    results = list(track(done, f"fuse by {card.name}", total=len(pairs)))
    say([note for result in results for note in result.notes])
    failed = [result.problem for result in results if result.problem]
    say([f"not fused: {reason}" for reason in failed])
    if len(failed) == len(results):
        raise InputError(f"none of the {len(failed)} pairs could be fused: {failed[0]}")
    kept = sum(result.kept for result in results)
    there = f", {kept} were there already, of the same files and settings (--again fuses them anew)" if kept else ""
    typer.echo(
        f"{task.output}: {len(results) - len(failed) - kept} fused by {card.label}, {len(failed)} not, "
        f"{len(pairing.unpaired)} files unpaired{there}{range_text(reading.span)}"
    )
    if failed:
        raise typer.Exit(1)


def fuse_videos(task: Task) -> None:
    """Fuse two videos into one.

    Raises:
        InputError: what cannot be read, fused or written.
    """
    method = task.recipe.load()
    report = video.fuse_videos(
        method, task.infrared, task.visible, task.output, task.phrases, reading=task.reading, gray=task.gray
    )
    say(report.notes)
    typer.echo(
        f"{task.output}: {report.frames} frames fused by {method.card.label} at "
        f"{report.frames / report.seconds:.1f} frames/s (the video runs at {report.rate:g}), "
        f"{report.codec}{range_text(report.span)}"
    )


def fuse_cameras(task: Task, infrared: str, visible: str, seconds: float | None) -> None:
    """Fuse two live cameras into a video.

    Raises:
        InputError: what cannot be read, fused or written.
    """
    method = task.recipe.load()
    report = live.fuse_live(
        method, infrared, visible, task.output, task.phrases, reading=task.reading, seconds=seconds, gray=task.gray
    )
    say(report.notes)
    speed = report.pairs / max(report.seconds, 1e-3)
    typer.echo(
        f"{task.output}: {report.pairs} pairs fused by {method.card.label} in {report.seconds:.1f} s "
        f"({speed:.1f} frames/s), {report.dropped[0]} infrared and {report.dropped[1]} visible frames dropped; "
        f"{report.frames} frames written, {report.codec}"
    )


def register_pair(
    infrared: Path, visible: Path, *, overlay: Path | None, matrix: Path | None, warped: Path | None
) -> bool:
    """Estimate the transform of a pair, say how good it is, write what is asked for; say whether one was found.

    Raises:
        InputError: an image that cannot be read.
    """
    notes: list[str] = []
    thermal = read_infrared(infrared, notes=notes)
    scene = quantise(luminance(read_visible(visible, notes)))
    say(notes)
    found = estimate(thermal, scene)
    typer.echo(files.describe(found))
    if found.status == "failed":
        typer.echo("nothing was written: no transform could be verified", err=True)
        return False
    files.write(found, thermal, scene, overlay=overlay, matrix=matrix, warped=warped)
    return True


def register_folders(infrared: Path, visible: Path, rig: Path | None, picture: Path | None) -> bool:
    """Estimate the one transform of two folders, as `register_pair` does that of a pair.

    Raises:
        InputError: no pairs, an image that cannot be read, or sizes that differ.
    """
    pairing = pair_folders(infrared, visible)
    say([*pairing.notes, *(f"unpaired: {path}" for path in pairing.unpaired)])
    found = rig_from_files(list(pairing.pairs.values()))
    typer.echo(files.describe(found.estimate))
    if found.estimate.status == "failed":
        typer.echo("nothing was written: no transform could be verified", err=True)
        return False
    typer.echo(found.confirmation())
    files.write(found.estimate, *found.pairs[0], matrix=rig, pairs=len(found.pairs))
    if picture is not None:
        found.write_picture(picture)
    return True


def range_text(span: Span | None) -> str:
    """Return the end of a line that says which values are shown as black and white; "" for infrared of 8 bits."""
    return "" if span is None else f"; infrared {span[0]:g} to {span[1]:g} shown as black to white"


def _with_range(reading: Reading, infrared: list[Path]) -> Reading:
    """Return the reading with one range for all files.

    Raises:
        InputError: a range was given, and the infrared has 8 bits or does not say what its values mean.
    """
    if reading.span is not None and not any_deep(infrared):
        raise InputError(
            f"{infrared[0]} has 8 bits: --infrared-range is for raw counts or temperatures, of more than 8 bits; "
            "leave it out"
        )
    if reading.span is not None and reading.unit:
        return replace(reading, span=in_counts(reading.span, reading.unit, infrared), unit="")
    return reading if reading.span is not None else replace(reading, span=range_of(infrared))


def _with_rig(reading: Reading, pairs: list[tuple[Path, Path]]) -> Reading:
    """Return the reading with one transform for all pairs, if ``register`` asks for it and one fits."""
    if not reading.register:
        return reading
    if odd := unequal(pairs):
        say([f"{odd}: no one transform holds for all, so each pair is registered by itself"])
        return reading
    found = rig_from_files(pairs)
    if found.estimate.status == "failed" and len(pairs) > 1:
        say([f"no one transform fits all pairs ({found.estimate.reason}): each pair is registered by itself"])
        return reading
    say([found.summary()])
    return replace(reading, rig=found.rig(), register=False)
