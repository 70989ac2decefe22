"""Tables of a data set: means with intervals, best and second marked, average rank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from text2pixels.analysis.average_precision import ALL, Precision
from text2pixels.analysis.statistics import Comparison, Ranking, average_ranks, compare_with_best, mean_interval
from text2pixels.metrics.score import METRICS, RANKED

_RANKS_SAID = 5  # methods whose rank a verdict names
SOURCES = ("infrared", "visible")  # compared with themselves, they win what measures likeness to a source


@dataclass(frozen=True)
class Cell:
    """A number as a table shows it: value, 95 % interval, test, and place (1 best, 2 second, 0 other)."""

    value: float
    low: float
    high: float
    count: int
    place: int = 0
    comparison: Comparison | None = None

    @property
    def note(self) -> str:
        """The hover text."""
        if not np.isfinite(self.value):
            return "undefined on every image"
        words = f"95 % interval {self.low:.4g} to {self.high:.4g}, {self.count} images"
        test = self.comparison
        if test is None:
            return words
        if not np.isfinite(test.p_holm):
            return f"{words}; {test.note}" if test.note else words
        p = "below 0.001" if test.p_holm < 0.001 else f"{test.p_holm:.3f}"
        return f"{words}; {test.difference:+.4g} against {test.against}, p {p} (Wilcoxon, Holm)"


@dataclass(frozen=True)
class Row:
    """A method and its cells, in the order of the table's columns.

    Attributes:
        method: Name.
        rank: Average rank over images (`statistics.average_ranks`) by the metrics that count (`metrics.score.RANKED`);
            None: not ranked.
        cells: One for each column.
        rank_of_all: The same over all metrics, near-copies included.
        mean_place: Mean of the places by each metric that counts, on each image.
    """

    method: str
    rank: float | None
    cells: tuple[Cell, ...]
    rank_of_all: float | None = None
    mean_place: float | None = None


@dataclass(frozen=True)
class Table:
    """Column names and rows."""

    columns: list[str]
    rows: list[Row]

    def only(self, names: Sequence[str]) -> "Table":
        """Keep the named columns."""
        kept = [index for index, name in enumerate(self.columns) if name in names]
        rows = [replace(row, cells=tuple(row.cells[index] for index in kept)) for row in self.rows]
        return Table([self.columns[index] for index in kept], rows)


def fusion_table(scores: pd.DataFrame, methods: Sequence[str], resamples: int) -> tuple[Table, Ranking]:
    """Return a column per metric, a row per method with the best average rank first; and the ranking.

    The ranking is over those of the metrics that count in ranks; a row has the rank over all of them, too. Ranks and
    tests are among the fused methods; the two sources are listed last and unranked, because they are compared with
    themselves.
    """
    names = [name for name in METRICS if name in set(scores["metric"])]
    fused = [method for method in methods if method not in SOURCES]
    among_fused = scores[scores["method"].isin(fused)]
    values = {key: group.to_numpy() for key, group in scores.groupby(["method", "metric"])["value"]}
    cells: dict[tuple[str, str], Cell] = {}
    for name in names:
        direction = METRICS[name].direction
        wide = among_fused[among_fused["metric"] == name].pivot(index="pair_id", columns="method", values="value")
        tests = {test.method: test for test in compare_with_best(wide, direction)}
        for method in methods:
            interval = mean_interval(values[method, name], resamples=resamples)
            test = tests.get(method)
            cells[method, name] = Cell(interval.mean, interval.low, interval.high, interval.count, comparison=test)
        _mark(cells, [(method, name) for method in fused], -1 if direction == "higher" else 1)
    directions = {name: METRICS[name].direction for name in names}
    ranking = average_ranks(among_fused, {name: directions[name] for name in names if name in RANKED} or directions)
    of_all = average_ranks(among_fused, directions).ranks
    rows = [
        Row(
            method,
            ranking.ranks.get(method),
            tuple(cells[method, name] for name in names),
            of_all.get(method),
            ranking.mean_places.get(method),
        )
        for method in methods
    ]
    return Table(names, sorted(rows, key=lambda row: (row.rank is None, row.rank))), ranking


def verdict(ranking: Ranking) -> str:
    """Return who is first in average rank, on how many pairs, and how sure that is, in a sentence without full stop."""
    names, pairs = list(ranking.ranks), f"{ranking.images} pair{'s' * (ranking.images != 1)}"
    ranks = ", ".join(f"{name} {rank:.2f}" for name, rank in list(ranking.ranks.items())[:_RANKS_SAID])
    metrics = f"{len(ranking.metrics)} metric{'s' * (len(ranking.metrics) != 1)}"
    over = f"average rank over {metrics} on {pairs}: {ranks}{', …' if len(names) > _RANKS_SAID else ''}"
    if len(names) < 2:
        return over
    if ranking.note:
        return f"{over} ({ranking.note})"
    level = next((group for group in ranking.groups if names[0] in group), (names[0],))
    rest = ", ".join(name for name in level if name != names[0])
    if not rest:
        return f"{over}. {names[0]} is first, told apart from all others (Friedman, Nemenyi, 5 %)"
    return f"{over}. {names[0]} is first, but not told apart from {rest} (Friedman, Nemenyi, 5 %)"


def detection_table(precision: dict[str, list[Precision]], methods: Sequence[str], metric: str) -> Table:
    """Return a column per category and one for their mean, a row per method: the layout of the paper's Table 1."""
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
    return Table(columns, sorted(rows, key=lambda row: -row.cells[-1].value))


def _mark(cells: dict[tuple[str, str], Cell], keys: list[tuple[str, str]], sign: int) -> None:
    """Mark the best and the second; equal values share a place. Nothing is marked where there is only one."""
    if len(keys) < 2:
        return
    finite = sorted({sign * cells[key].value for key in keys if np.isfinite(cells[key].value)})
    for key in keys:
        cell = cells[key]
        if np.isfinite(cell.value) and sign * cell.value in finite[:2]:
            cells[key] = replace(cell, place=finite.index(sign * cell.value) + 1)
