"""`t2p register`: align an infrared image to a visible one, or a whole data set."""

from pathlib import Path
from typing import Annotated

import typer

from text2pixels.errors import InputError


def register(
    infrared: Annotated[Path | None, typer.Argument(help="Infrared image.")] = None,
    visible: Annotated[Path | None, typer.Argument(help="Visible image; sizes may differ.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Register this data set instead (the DVC stage).")] = None,
) -> None:
    """Estimate the infrared-to-visible transform, judge it and show it."""
    if dataset is not None:
        from text2pixels.stages.register import run

        run(dataset)
        return
    raise InputError("nothing to register: give an infrared and a visible image, or --dataset NAME")
