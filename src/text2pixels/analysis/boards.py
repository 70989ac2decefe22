"""The leaderboards of a data set: over all its test pairs, and over each published list among them."""

from collections.abc import Sequence
from dataclasses import dataclass

from text2pixels.analysis.leaderboard import SOURCES, Table, fusion_table, verdict
from text2pixels.analysis.published import PublishedRow, published_rows
from text2pixels.analysis.results import DatasetResults
from text2pixels.analysis.statistics import Ranking, average_ranks
from text2pixels.datasets.partition import named, test_lists
from text2pixels.metrics.score import HEADLINE, METRICS


@dataclass(frozen=True)
class Change:
    """A method's average rank over metrics of published tables, and its place, under both conventions."""

    method: str
    standard: float
    stretched: float
    standard_place: int
    stretched_place: int


@dataclass(frozen=True)
class Board:
    """What one list of test pairs says.

    Attributes:
        key: In anchors and metrics.json: the name of the data set; of a published list, DATASET-LIST.
        title: In words.
        count: Number of pairs.
        fusion: All metrics under the convention `standard`.
        ranking: Average ranks over those metrics that count in ranks.
        stretched: The metrics of published tables under the convention `stretched`.
        stretched_ranked: Those metrics of `stretched` that count in its ranks.
        printed: What others have printed for this list.
        changes: How the ranking over `stretched_ranked` changes between the conventions, best under `standard` first.
    """

    key: str
    title: str
    count: int
    fusion: Table
    ranking: Ranking
    stretched: Table
    stretched_ranked: tuple[str, ...]
    printed: list[PublishedRow]
    changes: list[Change]

    @property
    def verdict(self) -> str:
        """Who is first, and how sure that is."""
        return verdict(self.ranking)

    @property
    def headline(self) -> Table:
        """The metrics of published tables under the convention `standard`."""
        return self.fusion.only(HEADLINE)


def boards(data: DatasetResults, methods: Sequence[str], resamples: int) -> list[Board]:
    """Return the board of all test pairs, then one for each published list; each has its own ranks and tests."""
    everything = frozenset(pair.name for pair in data.test)
    found = [_board(data, data.name, f"all {len(data.test)} test pairs", everything, methods, resamples)]
    listed = data.adapter.split_file or ""
    for name, title in test_lists(listed).items():
        chosen = named(listed, name) & everything
        # A part of a published list, from a folder that lacks some of its pairs, is not comparable with it.
        if len(chosen) == len(named(listed, name)):
            found.append(_board(data, f"{data.name}-{name}", title, chosen, methods, resamples))
    return found


def _board(
    data: DatasetResults, key: str, title: str, names: frozenset[str], methods: Sequence[str], resamples: int
) -> Board:
    chosen = {pair.pair_id for pair in data.test if pair.name in names}
    scores = data.scores[data.scores["pair_id"].isin(chosen)]
    stretched = data.stretched[data.stretched["pair_id"].isin(chosen)]
    fusion, ranking = fusion_table(scores, methods, resamples)
    published, after = fusion_table(stretched, methods, resamples)
    fused = [method for method in methods if method not in SOURCES]
    # The same metrics on both sides: only the convention differs.
    directions = {name: METRICS[name].direction for name in after.metrics}
    before = average_ranks(scores[scores["method"].isin(fused)], directions)
    return Board(
        key,
        title,
        len(chosen),
        fusion,
        ranking,
        published,
        after.metrics,
        published_rows(key),
        _changes(before.ranks, after.ranks),
    )


def _changes(standard: dict[str, float], stretched: dict[str, float]) -> list[Change]:
    def place(ranks: dict[str, float], method: str) -> int:
        return 1 + sum(rank < ranks[method] for rank in ranks.values())

    return [
        Change(method, rank, stretched[method], place(standard, method), place(stretched, method))
        for method, rank in sorted(standard.items(), key=lambda item: item[1])
    ]
