"""Leaderboards over all test pairs and over published lists."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from text2pixels.analysis.boards import boards
from text2pixels.analysis.leaderboard import fusion_table, verdict
from text2pixels.analysis.published import published_rows
from text2pixels.analysis.results import DatasetResults
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.manifest import Pair
from text2pixels.datasets.partition import named, published
from text2pixels.metrics.score import HEADLINE, METRICS, RANKED

METHODS = ["sdnet", "average", "infrared"]


def table(names, convention, metrics, better):
    """Scores in which ``better`` wins every metric on every pair."""
    noise, rows = np.random.default_rng(0), []
    for name in names:
        for metric in metrics:
            for method in METHODS:
                value = noise.random() / 10 + (method == better) * (1 if METRICS[metric].direction == "higher" else -1)
                rows.append((f"roadscene/{name}", method, convention, metric, value))
    return pd.DataFrame(rows, columns=["pair_id", "method", "convention", "metric", "value"])


@pytest.fixture
def results():
    """RoadScene's test split, on which `average` is the best of the two, and `sdnet` once all are stretched."""
    names = sorted(name for name, (split, _) in published("roadscene").items() if split == "test")
    pairs = [Pair(f"roadscene/{name}", "roadscene", name, "test", "i", "v", 24, 20, "", "") for name in names]
    return DatasetResults(
        name="roadscene",
        adapter=DATASETS["roadscene"],
        pairs=pairs,
        test=pairs,
        quarantine=pd.DataFrame(),
        prompts=pd.DataFrame(),
        scores=table(names, "standard", METRICS, "average"),
        stretched=table(names, "stretched", HEADLINE, "sdnet"),
        detections={},
        folds=0,
        protocols={},
    )


def test_each_published_list_has_means_ranks_and_intervals_of_its_own(results):
    whole, fifty = boards(results, METHODS, resamples=20)
    assert (whole.key, whole.count, fifty.key, fifty.count) == ("roadscene", 71, "roadscene-test50", 50)
    chosen = {f"roadscene/{name}" for name in named("roadscene", "test50")}
    for board, count in ((whole, 71), (fifty, 50)):
        rows = results.scores if board is whole else results.scores[results.scores["pair_id"].isin(chosen)]
        own = rows[(rows["method"] == "average") & (rows["metric"] == "SF")]["value"]
        cell = board.headline.rows[0].cells[board.headline.columns.index("SF")]
        assert (board.fusion.rows[0].method, cell.count) == ("average", count)
        assert cell.value == pytest.approx(own.mean())
        assert board.fusion.columns == list(METRICS)
        assert board.stretched.columns == [name for name in METRICS if name in HEADLINE]


def test_the_change_of_ranking_compares_the_same_metrics_among_fused_methods(results):
    changes = boards(results, METHODS, resamples=20)[1].changes
    assert [(change.method, change.standard_place, change.stretched_place) for change in changes] == [
        ("average", 1, 2),
        ("sdnet", 2, 1),
    ]
    assert (changes[0].standard, changes[0].stretched) == (1, 2)


def test_a_rank_counts_no_near_copies_and_the_one_of_all_stands_beside_it():
    counted, copies = ("MSE", "VIF"), ("PSNR", "AG", "EI")
    assert set(counted) <= set(RANKED)
    assert not set(copies) & set(RANKED)
    rows = [
        {"pair_id": str(pair), "method": method, "metric": name, "value": 1.0 + (better == (direction == "higher"))}
        for pair in range(3)
        for name in (*counted, *copies)
        for direction in (METRICS[name].direction,)
        for method in ("one", "other")
        for better in ((method == "one") == (name in counted),)
    ]
    table, ranking = fusion_table(pd.DataFrame(rows), ["one", "other"], resamples=10)
    first, second = table.rows
    assert (first.method, first.rank, first.rank_of_all) == ("one", 1, 2)
    assert (second.method, second.rank, second.rank_of_all) == ("other", 2, 1)
    assert (first.mean_place, second.mean_place) == (1, 2)
    assert ranking.metrics == counted
    assert verdict(ranking).startswith("average rank over 2 metrics on 3 pairs: one 1.00, other 2.00")


def test_what_counts_in_ranks_is_in_the_order_of_the_table():
    assert list(RANKED) == [name for name in METRICS if name in RANKED]


def test_a_part_of_a_published_list_is_no_published_list(results):
    names = {pair.name for pair in results.test} - {min(named("roadscene", "test50"))}
    part = replace(results, test=[pair for pair in results.test if pair.name in names])
    assert [board.key for board in boards(part, METHODS, resamples=20)] == ["roadscene"]


def test_published_rows_keep_their_digits_their_number_of_pairs_and_their_source():
    rows = {row.method: row for row in published_rows("roadscene-test50")}
    assert str(rows["sdnet"].values["SD"]) == "40.20"
    assert "AG" not in rows["sdnet"].values
    paper = rows["From Text to Pixels"]
    assert (paper.images, float(paper.values["AG"])) == (60, 5.261)
    assert all(row.source for name in ("tno", "roadscene-test50") for row in published_rows(name))
    assert published_rows("simulator") == []
