"""`t2p pretrain`: the start weights of detectors."""

from typing import Annotated

import typer


def pretrain(
    dataset: Annotated[
        str | None, typer.Option(help="Make the start weights of this data set's folds instead (the DVC stage).")
    ] = None,
) -> None:
    """Train the detector that others start from, on infrared and visible images alike (the DVC stage)."""
    if dataset is not None:
        from text2pixels.pipeline.pretrain_folds import run as run_folds

        run_folds(dataset)
        return
    from text2pixels.pipeline.pretrain import run

    run()
