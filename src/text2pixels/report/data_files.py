"""The report's numbers as files for other programs.

For spreadsheets the rows behind the tables, of every method and every variant; for DVC a handful of numbers
(`dvc exp show`) and tables to draw (`dvc plots`), which it compares between runs.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from text2pixels.analysis.detection import LEADERBOARD
from text2pixels.analysis.results import Results

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet program computes a cell that begins so

_TRACKED = ("rank", "VIF", LEADERBOARD.key)  # with two data sets `dvc exp show` fits 160 columns
_FEW = ("VIF", "Qabf", "SSIM")  # of the headline metrics
_CURVES = {
    ("lower", "loss"): "fusion loss",
    ("lower", "validation_loss"): "fusion validation",
    ("upper", "loss"): "detection loss",
    ("upper", "validation_loss"): "detection validation",
}


def as_text(value: object) -> object:
    """Return a value with an apostrophe before text that a spreadsheet would run as a formula.

    Names of classes, pairs and methods come from data, and `=HYPERLINK(...)` in a cell could send the
    cells beside it to another host. Numbers, and text that is one number, stay as they are.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def table_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with `as_text` applied to its columns of text."""
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


def write_rows(path: Path, scores: pd.DataFrame) -> None:
    """Write a data set's scores as Parquet for committing: sorted, so that two runs can be compared, and small.

    Args:
        path: the file.
        scores: a row a convention, metric, method and pair_id, with value and reason; single precision is kept.
    """
    order = ["convention", "metric", "method", "pair_id"]
    rows = scores.sort_values(order)[[*order, "value", "reason"]]
    rows.astype({"value": np.float32}).to_parquet(path, index=False, compression="zstd")


def metrics(headlines: Sequence[Mapping[str, Any]], results: Results) -> dict[str, float]:
    """Return a handful of numbers in one flat mapping, so that a table of runs fits a screen.

    All others are in headlines.json, beside the plots.

    Args:
        headlines: a mapping for each data set and method: dataset, method, rank, and values by metric.
        results: the numbers are those of its first method, our network where there is one.

    Returns:
        "DATASET NAME" -> value: rank (over the metrics that count), VIF, and AP50 of detectors
        fine-tuned on the images, on the test pairs.
    """
    shown, whole = (
        results.methods[0],
        {data.name for data in results.datasets},
    )  # a published list is a part of its data set
    return {
        f"{row['dataset']} {name}": round(float(row[name]), 4)
        for row in headlines
        if row["method"] == shown and row["dataset"] in whole
        for name in _TRACKED
        if isinstance(row.get(name), float) and math.isfinite(row[name])
    }


def write_plots(folder: Path, headlines: Sequence[Mapping[str, Any]], results: Results) -> None:
    """Write training.csv, quality.csv and headlines.json.

    They hold the losses of both levels by epoch; quality beside seconds by method; and every headline number,
    data set -> method -> name -> value.

    Args:
        folder: an empty one.
        headlines: as `metrics` takes them.
        results: whose first trained network's history is drawn; without one the table has no rows.
    """
    history = next(iter(results.histories.values()), pd.DataFrame(columns=["epoch", "level", "name", "value"]))
    curves = {
        column: history[(history["level"] == level) & (history["name"] == name)].set_index("epoch")["value"]
        for (level, name), column in _CURVES.items()
    }
    pd.DataFrame(curves).rename_axis("epoch").to_csv(folder / "training.csv")
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for row in headlines:
        values = {name: round(v, 6) for name, v in row.items() if isinstance(v, float) and math.isfinite(v)}
        numbers.setdefault(row["dataset"], {})[row["method"]] = values
    (folder / "headlines.json").write_text(json.dumps(numbers, indent=2) + "\n")
    rows = [
        {
            "dataset": row["dataset"],
            "method": row["method"],
            "seconds": results.costs[row["method"]]["seconds"],
            **{name: row.get(name) for name in ("rank", *_FEW)},
        }
        for row in headlines
        if row["method"] in results.costs
    ]
    pd.DataFrame(rows, columns=["dataset", "method", "seconds", "rank", *_FEW]).to_csv(
        folder / "quality.csv", index=False
    )
