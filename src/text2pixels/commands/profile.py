"""`t2p profile`: what fusing one pair costs."""

from pathlib import Path
from typing import Annotated

import typer

from text2pixels.errors import InputError


def profile(
    name: Annotated[str | None, typer.Argument(help="A baseline; its cost is printed.")] = None,
    width: Annotated[int, typer.Option(help="Pixels.", min=8)] = 640,
    height: Annotated[int, typer.Option(help="Pixels.", min=8)] = 480,
    repeats: Annotated[int, typer.Option(help="Timed runs, of which the median counts.", min=1)] = 3,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the baselines' weights; fuse.weights of params.yaml by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    method: Annotated[str | None, typer.Option(help="Measure this baseline for the report (the DVC stage).")] = None,
    variant: Annotated[str | None, typer.Option(help="Measure this trained network for the report.")] = None,
) -> None:
    """Measure parameters, multiply-accumulates, seconds and memory of fusing one pair."""
    if [name, method, variant].count(None) != 2:
        raise InputError("profile what? t2p profile NAME (t2p baselines lists them), or --method or --variant NAME")
    if variant is not None:
        from text2pixels.pipeline import profile_variant

        profile_variant.run(variant)
        return
    from text2pixels.pipeline import profile as stage

    if method is not None:
        stage.run(method)
        return
    assert name is not None, "one of the three is given"
    from rich.console import Console

    from text2pixels import config
    from text2pixels.commands.fuse import configured_weights

    settings = config.Profile(width=width, height=height, repeats=repeats)
    Console().print_json(data=stage.measure_baseline(name, weights or configured_weights(), device, settings))
