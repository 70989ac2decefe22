"""Intervals, paired tests and ranks: against scipy and hand calculations, and where there is nothing to say."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from text2pixels.analysis.statistics import average_ranks, compare_with_best, holm, mean_interval

quick = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def test_the_interval_covers_the_mean_of_a_skewed_sample_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        interval = mean_interval(rng.exponential(3, 40), resamples=500, seed=seed)
        hits += interval.low <= 3 <= interval.high
    assert 0.9 <= hits / 200 <= 0.98


def test_the_interval_is_that_of_the_t_distribution_for_a_normal_sample():
    x = np.random.default_rng(1).normal(10, 2, 200)
    interval = mean_interval(x)
    low, high = stats.t.interval(0.95, 199, x.mean(), stats.sem(x))
    assert interval.mean == pytest.approx(x.mean())
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.05)


def test_the_same_seed_gives_the_same_interval():
    x = np.random.default_rng(2).random(30)
    assert mean_interval(x, seed=3) == mean_interval(x, seed=3)
    assert mean_interval(x, seed=3) != mean_interval(x, seed=4)


@quick
@given(st.lists(st.floats(-1e3, 1e3, width=16), min_size=2, max_size=20))
def test_an_interval_lies_within_the_values(values):
    interval = mean_interval(values, resamples=200)
    slack = 1e-9 * (1 + abs(interval.mean))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack


@pytest.mark.parametrize(
    ("values", "mean", "low", "count", "note"),
    [
        ([], math.nan, math.nan, 0, "undefined on every image"),
        ([math.nan, math.nan], math.nan, math.nan, 0, "undefined on every image"),
        ([4.0], 4, math.nan, 1, "one image: no interval"),
        ([4.0, math.nan], 4, math.nan, 1, "one image: no interval; undefined on 1 of 2 images"),
        ([2.0, 2.0, 2.0], 2, 2, 3, "the same value on every image"),
    ],
)
def test_what_has_no_interval_is_said_in_words(values, mean, low, count, note):
    interval = mean_interval(values)
    assert (interval.mean, interval.low) == pytest.approx((mean, low), nan_ok=True)
    assert (interval.count, interval.note) == (count, note)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, math.nan, 0.7]) == pytest.approx([1, math.nan, 1], nan_ok=True)
    assert holm([]) == []


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_nor_changes_the_order(values):
    corrected = holm(values)
    assert all(q >= p for p, q in zip(values, corrected, strict=True))
    assert [corrected[i] for i in np.argsort(values, kind="stable")] == sorted(corrected)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    base = rng.normal(size=40)
    noise = rng.normal(size=(40, 3))
    noise = (noise - noise.mean(axis=0)) / 30
    weak, good, best = noise.T + np.array([[-1], [0], [0.012]]) + base
    return pd.DataFrame({"weak": weak, "good": good, "best": best})


def test_each_method_is_tested_against_the_best_other_one(table):
    weak, good, best = compare_with_best(table, "higher")
    assert (weak.against, good.against, best.against) == ("best", "best", "good")
    assert weak.p == pytest.approx(stats.wilcoxon(table["weak"], table["best"]).pvalue)
    assert weak.difference == pytest.approx((table["weak"] - table["best"]).mean())
    assert [one.p_holm for one in (weak, good)] == pytest.approx(holm([weak.p, good.p]))
    assert weak.p_holm < 0.001 < good.p_holm


def test_the_best_and_the_second_are_tested_once(table):
    good, best = compare_with_best(table[["good", "best"]], "higher")
    assert good.p_holm == best.p_holm == good.p == best.p


def test_lower_is_better_turns_the_choice_around(table):
    weak, good, best = compare_with_best(table, "lower")
    assert (weak.against, good.against, best.against) == ("good", "weak", "weak")


def test_comparisons_that_cannot_be_made_say_why(table):
    few = table.head(3)[["weak", "best"]].assign(twin=table["best"], absent=math.nan)
    found = {one.method: one for one in compare_with_best(few, "higher")}
    assert found["weak"].note == "3 images: too few for a test"
    assert math.isnan(found["weak"].p)
    assert (found["twin"].note, found["twin"].p) == ("identical on every image", 1)
    assert found["absent"].note == "no image on which both are defined"
    assert math.isnan(found["absent"].p_holm)
    (lonely,) = compare_with_best(table[["good"]], "higher")
    assert lonely.note == "no other method to compare with"


def long_form(table, **metrics):
    """Rows as the score stage writes them; each metric is a function of the table."""
    wide = table.rename_axis("pair_id").rename(index=str)
    parts = [
        function(wide).reset_index().melt("pair_id", var_name="method").assign(metric=name)
        for name, function in metrics.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_ranks_of_a_clear_order_and_the_critical_difference_of_demsar(table):
    clear = pd.DataFrame({name: table["good"] + step for name, step in zip("abcde", range(5), strict=True)})
    ranking = average_ranks(long_form(clear, EN=lambda t: t, MSE=lambda t: -t), {"EN": "higher", "MSE": "lower"})
    assert ranking.ranks == {"e": 1, "d": 2, "c": 3, "b": 4, "a": 5}
    # Demšar (2006), table 5: q for five methods at .05 is 2.728.
    assert ranking.critical_difference == pytest.approx(2.728 * math.sqrt(5 * 6 / (6 * 40)), abs=1e-3)
    assert ranking.p < 1e-6
    assert ranking.groups == ()  # a rank apart is more than the critical difference of .96
    assert (ranking.images, ranking.left_out) == (40, {})


def test_a_method_that_is_second_by_every_metric_is_of_rank_1_and_its_mean_place_is_2():
    errors = {"steady": [1, 1, 1], "x": [0, 2, 2], "y": [2, 0, 3], "z": [3, 3, 0]}
    rows = pd.DataFrame(
        {"pair_id": pair, "method": method, "metric": metric, "value": value}
        for pair in "abc"
        for method, values in errors.items()
        for metric, value in zip(("MSE", "Nabf", "CE"), values, strict=True)
    )
    ranking = average_ranks(rows, dict.fromkeys(("MSE", "Nabf", "CE"), "lower"))
    assert ranking.ranks == {"steady": 1, "x": 2, "y": 3, "z": 4}
    assert ranking.mean_places == pytest.approx({"steady": 2, "x": 7 / 3, "y": 8 / 3, "z": 3})


def test_methods_that_the_test_cannot_tell_apart_are_grouped(table):
    rng = np.random.default_rng(5)
    close = table.assign(other=table["best"] + rng.normal(size=40) / 10)
    ranking = average_ranks(long_form(close, EN=lambda t: t), {"EN": "higher"})
    assert list(ranking.ranks)[-1] == "weak"
    assert all("weak" not in group for group in ranking.groups)
    assert any({"best", "other"} <= set(group) for group in ranking.groups)


def test_equal_methods_share_a_rank(table):
    equal = pd.DataFrame({name: table["good"] for name in "abc"})
    ranking = average_ranks(long_form(equal, EN=lambda t: t), {"EN": "higher"})
    assert ranking.ranks == {"a": 2, "b": 2, "c": 2}
    assert ranking.p == 1
    assert ranking.groups == (("a", "b", "c"),)


def test_an_undefined_metric_takes_no_part_on_that_image(table):
    def scd(wide):
        return (-wide).mask(wide.index.to_series().isin(["0", "1"]), math.nan)

    scores = long_form(table, EN=lambda t: t, SCD=scd)
    ranking = average_ranks(scores, {"EN": "higher", "SCD": "higher"})
    assert ranking.left_out == {"SCD": 2}
    assert ranking.images == 40
    never = average_ranks(scores.assign(value=math.nan), {"EN": "higher"})
    assert never.note == "no image on which all are defined"


def test_one_image_or_two_methods_have_ranks_but_no_test(table):
    one = average_ranks(long_form(table.head(1), EN=lambda t: t), {"EN": "higher"})
    assert sorted(one.ranks.values()) == [1, 2, 3]
    assert math.isnan(one.critical_difference)
    assert one.note == "one image: no Friedman test"
    two = average_ranks(long_form(table[["weak", "best"]], EN=lambda t: t), {"EN": "higher"})
    assert two.note == "fewer than three methods: no Friedman test"
