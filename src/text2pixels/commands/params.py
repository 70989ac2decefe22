"""`t2p params`: write params.yaml from a profile."""

from typing import Annotated

import typer


def params(
    profile: Annotated[str | None, typer.Argument(help="demo, roadscene, paper …; none keeps params.yaml.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value: train.epochs=2.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Folder of the raw data sets, instead of data/raw.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Folder of other methods' official weights (see: t2p baselines).")
    ] = None,
    phrases: Annotated[
        str | None, typer.Option(help="Parquet of phrase vectors (phrase, vector) for the encoder `table`.")
    ] = None,
) -> None:
    """Write params.yaml, the pipeline's one configuration, from a file of profiles/.

    Baselines whose weights are not here are left out of it, and named; with a profile's name and the
    weights they come back. Data sets that are not here are named with the way to get them.
    """
    from rich import print as show

    from text2pixels.pipeline import profiles

    changes = profiles.parse_changes(change or [])
    written, missing = profiles.write_params(profile, changes, data=data, weights=weights, phrases=phrases)
    show(
        f"params.yaml: profile [bold]{written.profile}[/]; data sets {', '.join(written.datasets)}; "
        f"variants {', '.join(written.variants)}; baselines {', '.join(written.baselines)}"
    )
    for name, reason in missing.items():
        show(f"[yellow]{'not here yet' if name in written.datasets else 'left out'}[/] {reason}")
