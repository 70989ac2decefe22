"""`t2p params`: write params.yaml from a profile."""

from typing import Annotated

import typer


def params(
    profile: Annotated[str | None, typer.Argument(help="demo, roadscene, paper …; none keeps params.yaml.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value: train.epochs=2.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Folder of the raw data sets, instead of data/raw.")] = None,
) -> None:
    """Write params.yaml, the pipeline's one configuration, from a file of profiles/."""
    from rich import print as show

    from text2pixels import profiles

    written = profiles.write_params(profile, profiles.parse_changes(change or []), data)
    show(
        f"params.yaml: profile [bold]{written.profile}[/], data sets {', '.join(written.datasets)}; "
        f"variants {', '.join(written.variants)}; baselines {', '.join(written.baselines)}"
    )
