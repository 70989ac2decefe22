"""`t2p baselines`: every method there is to compare with, and whether its weights are here."""

from pathlib import Path
from typing import Annotated

import typer


def baselines(
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of the authors' weights; fuse.weights of params.yaml where not given."),
    ] = None,
) -> None:
    """List the baselines: paper, year, licence, cost, weights; and those that cannot run here, with the reason."""
    from rich.console import Console
    from rich.table import Table

    from text2pixels.commands.fuse import configured_weights
    from text2pixels.methods.catalogue import BASELINES, NOT_RUNNABLE
    from text2pixels.methods.weights import file_status, status

    folder = weights or configured_weights()
    table = Table(title=f"{len(BASELINES)} baselines; weights looked for in {folder or '(no folder given: --weights)'}")
    for column in ("name", "paper", "year", "licence", "parameters", "weights", "to 8 bits"):
        table.add_column(column, justify="right" if column == "parameters" else "left", overflow="fold")
    for fuser in BASELINES.values():
        table.add_row(
            fuser.name,
            fuser.paper,
            str(fuser.year or ""),
            fuser.licence,
            f"{fuser.parameters:,}" if fuser.parameters else "",
            f"{fuser.weights}: {status(fuser.files, folder)}" if fuser.files else fuser.weights,
            fuser.eight_bits,
        )
    console = Console()
    console.print(table)
    for fuser in BASELINES.values():
        for file in fuser.files:
            state = file_status(file, folder)
            if state != "ok":
                console.print(f"weights {state}: {fuser.name}: FOLDER/{file.name}, from {file.source}", highlight=False)
                console.print(f"  sha256 {file.sha256}", highlight=False)
    console.print("\nNot runnable here, so in no table of ours:", highlight=False)
    for absent in NOT_RUNNABLE:
        console.print(f"  {absent.title} ({absent.paper}, {absent.year}): {absent.reason}", highlight=False)
