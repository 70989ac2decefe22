"""``t2p ingest``: raw files to checked pairs."""

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    source: Annotated[
        Path | None, typer.Argument(help="a folder, zip or tar; without it, what params.yaml names")
    ] = None,
    dataset: Annotated[str, typer.Option(help="which data set it is; 'folder' for pairs of your own")] = "folder",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="folder to make; default data/interim/DATASET")
    ] = None,
    workers: Annotated[int, typer.Option(help="processes")] = 2,
    aligned: Annotated[bool, typer.Option(help="the two cameras see the same pixels")] = True,
    leaks: Annotated[bool, typer.Option("--leaks", help="compare all ingested data sets instead")] = False,
) -> None:
    """Read raw pairs in; broken, odd and unequal files are set aside with the reason."""
    from text2pixels import config, layout
    from text2pixels.pipeline import ingest as stage

    if leaks:
        stage.compare()
    elif source is None:
        stage.run(dataset)
    else:
        stage.ingest(
            dataset,
            config.Source(path=str(source), aligned=aligned),
            config.Ingest(workers=workers),
            out or layout.interim(dataset),
        )
