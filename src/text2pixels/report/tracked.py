"""What DVC compares between runs: a handful of numbers (`dvc exp show`) and tables to draw (`dvc plots`)."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from text2pixels.analysis.detection import LEADERBOARD
from text2pixels.analysis.results import Results

_TRACKED = ("rank", "VIF", LEADERBOARD.key)  # with two data sets `dvc exp show` fits 160 columns
_FEW = ("VIF", "Qabf", "SSIM")  # of the headline metrics
_CURVES = {
    ("lower", "loss"): "fusion loss",
    ("lower", "validation_loss"): "fusion validation",
    ("upper", "loss"): "detection loss",
    ("upper", "validation_loss"): "detection validation",
}


def metrics(headlines: Sequence[Mapping[str, Any]], results: Results) -> dict[str, float]:
    """Return a handful of numbers in one flat mapping, so that a table of runs fits a screen.

    All others are in headlines.json, beside the plots.

    Args:
        headlines: a mapping for each data set and method: dataset, method, rank, and values by metric.
        results: of which the first network trained here counts, or the first method where there is none.

    Returns:
        "DATASET NAME" -> value: rank (average place over the metrics that count), VIF, and AP50 of detectors
        fine-tuned on the images, on the test pairs.
    """
    shown, whole = results.methods[0], {data.name for data in results.datasets}  # a list of pairs repeats its data set
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
