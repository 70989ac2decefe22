"""Folders of fused images, whatever made them, compared on the pairs that all of them hold.

The same metrics, ranks and tests as the benchmark's leaderboards, for results that never went through
the pipeline.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import pandas as pd
import rich.table
from rich.markup import escape
from rich.text import Text

from text2pixels.analysis.leaderboard import SOURCES, Table, fusion_table, verdict
from text2pixels.analysis.statistics import Ranking
from text2pixels.errors import InputError
from text2pixels.executors import AHEAD, map_ordered, open_executor
from text2pixels.image import images_of, luminance, quantise, read_infrared, read_visible
from text2pixels.metrics import HEADLINE, METRICS, score

_NAMED = 3  # missing images that a note names


@dataclass(frozen=True)
class Shared:
    """The pairs that are compared.

    Attributes:
        files: Name of a pair -> "infrared", "visible" or a method -> the image file.
        notes: A line for each folder that has less than all pairs, or images of no pair.
    """

    files: dict[str, dict[str, Path]]
    notes: list[str]


@dataclass(frozen=True)
class Leaderboard:
    """The result of a comparison.

    Attributes:
        table: A row per method, best average rank first, then the two sources without a rank.
        ranking: Average ranks, and which methods they tell apart.
        scores: A row per pair, method and metric: columns pair_id, method, metric, value.
    """

    table: Table
    ranking: Ranking
    scores: pd.DataFrame

    @property
    def means(self) -> pd.DataFrame:
        """A row per method and metric.

        Columns are method, rank, rank_of_all, mean_place, metric, mean, low, high, images and p. Ranks are over the
        metrics that count and over all, mean places over those that count; low and high are of the 95 % interval.
        """
        return pd.DataFrame(
            {
                "method": row.method,
                "rank": row.rank,
                "rank_of_all": row.rank_of_all,
                "mean_place": row.mean_place,
                "metric": name,
                "mean": cell.value,
                "low": cell.low,
                "high": cell.high,
                "images": cell.count,
                "p": cell.comparison.p_holm if cell.comparison else None,
            }
            for row in self.table.rows
            for name, cell in zip(self.table.columns, row.cells, strict=True)
        )

    @property
    def verdict(self) -> str:
        """Who is first, on how many pairs, and how sure that is, in a sentence."""
        return verdict(self.ranking)


def shared_pairs(methods: Mapping[str, Path], infrared: Path, visible: Path) -> Shared:
    """Return the pairs of two folders that every method fused; names must be equal but for the suffix.

    Args:
        methods: Name -> folder of fused images.
        infrared: Folder of the infrared images.
        visible: Folder of the visible images.

    Raises:
        InputError: no folder, a name that belongs to a source, or no pair that all have fused.
    """
    if taken := [name for name in methods if name in SOURCES]:
        raise InputError(f"'{taken[0]}' is the name of a source: name the method otherwise, like mine={taken[0]}")
    sources = {"infrared": images_of(infrared), "visible": images_of(visible)}
    pairs = sources["infrared"].keys() & sources["visible"].keys()
    if not pairs:
        raise InputError(
            f"no image in {infrared} has the name of one in {visible} (names must be equal but for suffix)"
        )
    fused = {name: images_of(folder) for name, folder in methods.items()}
    notes = []
    for name, images in fused.items():
        if missing := sorted(pairs - images.keys()):
            notes.append(f"{name}: {len(missing)} of {len(pairs)} pairs are not in {methods[name]}: {few(missing)}")
        if strangers := sorted(images.keys() - pairs):
            notes.append(f"{name}: {len(strangers)} images of {methods[name]} belong to no pair: {few(strangers)}")
    common = sorted(pairs.intersection(*(images.keys() for images in fused.values())))
    if not common:
        raise InputError(
            f"no pair of {infrared} and {visible} was fused by all of {', '.join(methods)}: fused images should have "
            f"the names of the pairs, such as {sorted(pairs)[0]}.png"
        )
    if len(common) < len(pairs):
        notes.append(f"compared on the {len(common)} of {len(pairs)} pairs that all have fused")
    folders = sources | fused
    return Shared({pair: {name: images[pair] for name, images in folders.items()} for pair in common}, notes)


def score_pairs(shared: Shared, workers: int = 1) -> Iterator[list[dict[str, object]]]:
    """Yield the rows of every pair: pair_id, method, metric, value; of each method, and of the two sources.

    Args:
        shared: What `shared_pairs` found.
        workers: Processes.

    Raises:
        InputError: an image cannot be read, or a fused image has not the size of its pair.
    """
    threads = cv2.getNumThreads()
    try:
        with open_executor(workers) as executor:
            for _, rows in map_ordered(executor, _score_pair, shared.files.items(), AHEAD * max(workers, 1)):
                yield rows
    finally:
        cv2.setNumThreads(threads)


def leaderboard(scores: pd.DataFrame, resamples: int = 2000) -> Leaderboard:
    """Return means with intervals, ranks and tests.

    Args:
        scores: The rows of all pairs, as `score_pairs` yields them.
        resamples: Of the bootstrap intervals.
    """
    table, ranking = fusion_table(scores, [*dict.fromkeys(scores["method"])], resamples)
    return Leaderboard(table, ranking, scores)


def as_terminal_table(found: Leaderboard) -> rich.table.Table:
    """Return the metrics that most papers print, with rank; the best in bold, the second underlined."""
    board = found.table.only(HEADLINE)
    # Narrow enough for a terminal of 80 columns.
    lines = rich.table.Table(title=f"mean over {found.ranking.images} pairs", box=None, padding=(0, 1, 0, 0))
    lines.add_column("method")
    lines.add_column("rank↓", justify="right")
    for name in board.columns:
        lines.add_column(f"{name}{'↑' if METRICS[name].direction == 'higher' else '↓'}", justify="right")
    styles = {1: "bold", 2: "underline"}
    for row in board.rows:
        cells = [Text(f"{cell.value:.4g}", styles.get(cell.place, "")) for cell in row.cells]
        lines.add_row(escape(row.method), "source" if row.rank is None else f"{row.rank:.2f}", *cells)
    return lines


def _score_pair(item: tuple[str, dict[str, Path]]) -> list[dict[str, object]]:
    """Return the rows of one pair: of each method, and of the sources themselves."""
    cv2.setNumThreads(1)  # the processes use the cores already
    name, files = item
    images = {
        each: read_infrared(path) if each == "infrared" else quantise(luminance(read_visible(path)))
        for each, path in files.items()
    }
    rows: list[dict[str, object]] = []
    for method in [*(each for each in files if each not in SOURCES), *SOURCES]:
        try:
            values = score(images[method], images["infrared"], images["visible"])
        except InputError as error:
            raise InputError(f"{files[method]}: {error}") from error
        rows += [
            {"pair_id": name, "method": method, "metric": metric, "value": value} for metric, value in values.items()
        ]
    return rows


def few(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
