"""Tables of a data set: means with intervals, best and second marked, average rank."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from text2pixels.detection.evaluation import ALL, Precision
from text2pixels.metrics.table import METRICS
from text2pixels.report.statistics import mean_interval

# The metrics of the headline: information, contrast, structure shared with the sources, noise excluded.
HEADLINE = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM")
SOURCES = ("infrared", "visible")  # compared with themselves, they win what measures likeness to a source


@dataclass(frozen=True)
class Cell:
    """A number as a table shows it: value, its 95 % interval, and its place (1 best, 2 second, 0 other)."""

    value: float
    low: float
    high: float
    count: int
    place: int = 0

    @property
    def note(self) -> str:
        """The hover text."""
        if not np.isfinite(self.value):
            return "undefined on every image"
        return f"95 % interval {self.low:.4g} to {self.high:.4g}, {self.count} images"


@dataclass(frozen=True)
class Row:
    """A method and its cells, in the order of the table's columns."""

    method: str
    rank: float | None
    cells: tuple[Cell, ...]


def fusion_table(scores: pd.DataFrame, methods: Sequence[str], resamples: int) -> tuple[list[str], list[Row]]:
    """Return the metrics' names and a row per method, best average rank first.

    The rank is the mean over the metrics of the method's place by its mean value, among the fused
    methods; the two sources are listed last and unranked, because they are compared with themselves.
    """
    names = [name for name in METRICS if name in set(scores["metric"])]
    fused = [method for method in methods if method not in SOURCES]
    values = {key: group.to_numpy() for key, group in scores.groupby(["method", "metric"])["value"]}
    cells: dict[tuple[str, str], Cell] = {}
    places: dict[str, list[float]] = {method: [] for method in fused}
    for name in names:
        for method in methods:
            given = values[method, name]
            given = given[np.isfinite(given)]
            interval = mean_interval(given, resamples=resamples)
            cells[method, name] = Cell(interval.mean, interval.low, interval.high, len(given))
        sign = -1 if METRICS[name].direction == "higher" else 1
        means = pd.Series({method: sign * cells[method, name].value for method in fused})
        for method, rank in means.rank(method="average", na_option="bottom").items():
            places[str(method)].append(float(rank))
        _mark(cells, [(method, name) for method in fused], sign)
    rows = [
        Row(
            method,
            float(np.mean(places[method])) if method in places else None,
            tuple(cells[method, name] for name in names),
        )
        for method in methods
    ]
    return names, sorted(rows, key=lambda row: (row.rank is None, row.rank))


def detection_table(
    precision: dict[str, list[Precision]], methods: Sequence[str], metric: str
) -> tuple[list[str], list[Row]]:
    """Return the categories (and "all", the mean) and a row per method, in the layout of the paper's Table 1."""
    found = {method: {row.category: row for row in rows if row.metric == metric} for method, rows in precision.items()}
    categories = sorted({name for rows in found.values() for name in rows} - {ALL})
    columns = [*categories, ALL]
    cells = {
        (method, name): Cell(rows[name].value, rows[name].low, rows[name].high, rows[name].images)
        for method, rows in found.items()
        for name in columns
    }
    for name in columns:
        _mark(cells, [(method, name) for method in found], -1)
    rows = [Row(method, None, tuple(cells[method, name] for name in columns)) for method in methods if method in found]
    return columns, sorted(rows, key=lambda row: -row.cells[-1].value)


def _mark(cells: dict[tuple[str, str], Cell], keys: list[tuple[str, str]], sign: int) -> None:
    """Mark the best and the second; equal values share a place."""
    finite = sorted({sign * cells[key].value for key in keys if np.isfinite(cells[key].value)})
    for key in keys:
        cell = cells[key]
        if np.isfinite(cell.value) and sign * cell.value in finite[:2]:
            cells[key] = Cell(cell.value, cell.low, cell.high, cell.count, finite.index(sign * cell.value) + 1)
