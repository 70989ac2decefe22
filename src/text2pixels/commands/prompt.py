"""`t2p prompt`: describe a data set, or one pair."""

from pathlib import Path
from typing import Annotated

import typer


def prompt(
    infrared: Annotated[Path | None, typer.Argument(help="Infrared image, aligned to the visible one.")] = None,
    visible: Annotated[Path | None, typer.Argument(help="Visible image.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Write the prompts of this data set.")] = None,
) -> None:
    """Describe a data set's pairs in phrases, or print what two images say."""
    from text2pixels.errors import InputError

    if dataset and infrared is None:
        from text2pixels.pipeline.prompt import run

        run(dataset)
        return
    if infrared is None or visible is None or dataset:
        raise InputError("give either --dataset NAME, or an infrared and a visible image: t2p prompt ir.png vis.png")

    from text2pixels.datasets.manifest import Pair
    from text2pixels.image.png import read_gray, read_rgb
    from text2pixels.prompts.table import describe

    gray, rgb = read_gray(infrared), read_rgb(visible)
    height, width = gray.shape
    if rgb.shape[:2] != gray.shape:
        raise InputError(
            f"{infrared} is {width}x{height} pixels, {visible} is {rgb.shape[1]}x{rgb.shape[0]}: "
            "align them first with t2p register"
        )
    name = visible.stem
    pair = Pair(f"files/{name}", "files", name, "test", str(infrared), str(visible), width, height, "", "")
    for each in describe(pair, rgb, gray):
        typer.echo(f"{each.kind}: {'; '.join(each.phrases)}")
