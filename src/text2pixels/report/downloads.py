"""The rows behind the tables, of every method and every variant, as files that a spreadsheet opens safely."""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from text2pixels.analysis.results import Results

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet program computes


def as_text(value: object) -> object:
    """Return a value with an apostrophe before text that a spreadsheet would run as a formula.

    Names of classes, pairs and methods come from data, and `=HYPERLINK(...)` in a cell would be a
    link that sends the row's neighbours elsewhere. Numbers, and text that is one number, stay as they are.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def table_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns of text went through `as_text`."""
    return table.assign(
        **{str(name): column.map(as_text) for name, column in table.items() if not is_numeric_dtype(column)}
    )


def write_downloads(folder: Path, results: Results) -> None:
    """Write scores (CSV and Parquet), average precisions and training histories into a new folder.

    Text in a CSV file that a spreadsheet would run as a formula gets an apostrophe; Parquet has it as it is.
    """
    folder.mkdir()
    tables = [table for data in results.datasets for table in (data.scores, data.stretched)]
    scores = pd.concat(tables, ignore_index=True)
    table_as_text(scores).to_csv(folder / "scores.csv", index=False)
    scores.to_parquet(folder / "scores.parquet", index=False)
    detection = [
        {"dataset": data.name, "scope": scope, "method": method} | vars(row)
        for data in results.datasets
        for scope, found in data.protocols.items()
        for method, rows in found.precisions.items()
        for row in rows
    ]
    columns = ["dataset", "scope", "method", "category", "metric", "value", "low", "high", "boxes", "images"]
    table_as_text(pd.DataFrame(detection, columns=columns)).to_csv(folder / "detection.csv", index=False)
    histories = [history.assign(variant=variant) for variant, history in results.histories.items()]
    columns = ["variant", "epoch", "level", "name", "value"]
    training = pd.concat(histories, ignore_index=True) if histories else pd.DataFrame(columns=columns)
    table_as_text(training[columns]).to_csv(folder / "training.csv", index=False)
