"""`t2p register`: align an infrared image to a visible one, or a whole data set."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from text2pixels.errors import InputError
from text2pixels.files import check_outputs

if TYPE_CHECKING:
    from text2pixels.image.colour import Image8
    from text2pixels.registration.estimate import Estimate


def register(
    infrared: Annotated[Path | None, typer.Argument(help="Infrared image, 8 or 16 bits.")] = None,
    visible: Annotated[Path | None, typer.Argument(help="Visible image; sizes may differ.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="Write edges of both before and after, as PNG.")] = None,
    matrix: Annotated[Path | None, typer.Option(help="Write matrix, residual and status as JSON.")] = None,
    warped: Annotated[Path | None, typer.Option(help="Write the infrared in the visible frame, as PNG.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Register this data set instead (the DVC stage).")] = None,
) -> None:
    """Estimate the infrared-to-visible transform, judge it and show it."""
    if dataset is not None:
        from text2pixels.pipeline.register import run

        run(dataset)
        return
    if infrared is None or visible is None:
        raise InputError("register what? t2p register ir.png vis.png --overlay out.png, or --dataset NAME")
    check_outputs([path for path in (overlay, matrix, warped) if path is not None], [infrared, visible])
    from text2pixels.registration.estimate import estimate

    thermal, scene = _read(infrared, visible)
    found = estimate(thermal, scene)
    _print(found)
    _write(found, thermal, scene, overlay, matrix, warped)


def _read(infrared: Path, visible: Path) -> tuple["Image8", "Image8"]:
    from text2pixels.image.colour import luminance, quantise
    from text2pixels.image.reader import Unusable, read_infrared, read_visible

    try:
        return read_infrared(infrared), quantise(luminance(read_visible(visible)))
    except Unusable as error:
        raise InputError(f"cannot register {infrared} and {visible}: {error.detail}") from error


def _print(found: "Estimate") -> None:
    print(f"status    {found.status}{f': {found.reason}' if found.reason else ''}")
    print(f"residual  {found.residual_px:.1f} px at the visible frame's corners (estimated)")
    print(f"peak      {found.peak:.1f} standard deviations, {found.margin:.1f} x the best wrong shift")
    for row in found.matrix:
        print("          " + " ".join(f"{value:12.6g}" for value in row))


def _write(
    found: "Estimate",
    infrared: "Image8",
    visible: "Image8",
    overlay: Path | None,
    matrix: Path | None,
    warped: Path | None,
) -> None:
    from text2pixels.files import whole_file
    from text2pixels.image.png import write_png

    if matrix is not None:
        with whole_file(matrix) as aside:
            aside.write_text(json.dumps(_facts(found, infrared, visible), indent=2) + "\n")
    if warped is not None:
        from text2pixels.registration.apply import warp

        with whole_file(warped) as aside:
            write_png(aside, warp(infrared, found.matrix, (visible.shape[0], visible.shape[1]))[0])
    if overlay is not None:
        from text2pixels.registration.overlay import overlay as draw

        caption = f"{found.status}, estimated error {found.residual_px:.1f} px"
        with whole_file(overlay) as aside:
            write_png(aside, draw(infrared, visible, found.matrix, caption))


def _facts(found: "Estimate", infrared: "Image8", visible: "Image8") -> dict[str, Any]:
    return {
        "infrared_to_visible": found.matrix.tolist(),
        "infrared_size": [infrared.shape[1], infrared.shape[0]],
        "visible_size": [visible.shape[1], visible.shape[0]],
        "status": found.status,
        "reason": found.reason,
        "residual_px": found.residual_px,
        "method": found.method,
        "peak": found.peak,
        "margin": found.margin,
        "coverage": found.coverage,
    }
