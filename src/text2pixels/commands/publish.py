"""`t2p publish`: the results as tables and figures to commit."""

from pathlib import Path
from typing import Annotated

import typer


def publish(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; an older one is replaced.")] = Path(
        "reports/published"
    ),
) -> None:
    """Write the finished run's tables (CSV, Markdown), figures and conditions, and print the headline.

    Nothing is fused, scored or trained: run the pipeline first (dvc repro).
    """
    from text2pixels import config
    from text2pixels.analysis.results import read_results
    from text2pixels.errors import InputError
    from text2pixels.files import whole_folder
    from text2pixels.report.publication import write_publication

    if output.exists() and not (output / "headline.md").is_file() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} was not written by t2p publish: name another folder (--output)")
    params = config.parse(config.read_yaml(config.PARAMS_FILE), str(config.PARAMS_FILE))
    results = read_results(params)
    with whole_folder(output) as folder:
        headline = write_publication(folder, results, params)
    print(headline)
    print(f"{output}/README.md leads to all tables")
