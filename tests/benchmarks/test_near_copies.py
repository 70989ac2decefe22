"""Which metrics an average rank counts: `benchmarks/near_copies.py`, on scores made here."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks/near_copies.py"
spec = importlib.util.spec_from_file_location("near_copies", BENCHMARK)
near_copies = importlib.util.module_from_spec(spec)
spec.loader.exec_module(near_copies)

METHODS = ("one", "two", "three", "four", "five")


def scores(**metrics):
    """A row per pair and method; a metric is a function of pair and place of the method."""
    index = pd.MultiIndex.from_product([["a", "b"], METHODS], names=["pair", "method"])
    rows = [[of(pair, place) for of in metrics.values()] for pair in range(2) for place in range(len(METHODS))]
    return pd.DataFrame(rows, index=index, columns=list(metrics), dtype=float)


def test_orders_are_compared_within_a_pair_and_turned_so_that_higher_is_better():
    found = scores(
        VIF=lambda pair, place: place,
        PSNR=lambda pair, place: 100 * pair + place**3,  # the level of a pair does not matter, nor does the scale
        MSE=lambda pair, place: -place,  # lower is better
        SSIM=lambda pair, place: place if pair else -place,
        Nabf=lambda pair, place: 1 if pair else place,  # on one pair it says nothing
    )
    table = near_copies.correlations(found)
    expected = {"VIF": 1, "PSNR": 1, "MSE": 1, "SSIM": 0, "Nabf": -1}
    assert table.loc["VIF"].to_dict() == pytest.approx(expected)
    assert list(table) == list(found) == list(table.index)


def test_of_near_copies_the_one_that_tables_print_is_counted():
    names = list(near_copies.METRICS)
    table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for one, other, value in (("AG", "SF", 0.9), ("PSNR", "MSE", 0.95), ("Qw", "Qe", 0.89), ("EN", "SD", np.nan)):
        table.loc[one, other] = table.loc[other, one] = value
    counted, repeats = near_copies.choose(table)
    assert repeats == {"AG": "SF", "PSNR": "MSE"}
    assert set(names) - set(counted) == {"AG", "PSNR", "burnt"}  # burnt is a measure of this project
    assert counted == [name for name in names if name in counted]
