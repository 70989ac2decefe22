"""`t2p train`: a variant of params.yaml."""

from typing import Annotated

import typer


def train(
    variant: Annotated[str, typer.Option(help="A variant of params.yaml.")] = "ours",
) -> None:
    """Train a fusion network together with a detector (the DVC stage).

    On several GPUs: torchrun --nproc-per-node N --no-python t2p train.
    """
    from text2pixels.pipeline.train import run

    run(variant)
