"""Folds: every labelled pair is tested once, by a detector that did not see it."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.datasets.manifest import TIMES_OF_DAY, Pair
from text2pixels.detection.folds import make_folds
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box


def pair(name, split="train", time="day", labelled=True, boxes=1):
    drawn = (Box("Car", 1, 1, 9, 9),) * boxes if labelled else ()
    return Pair(f"d/{name}", "d", str(name), split, "i", "v", 64, 48, "", "", time, labelled, drawn)


@given(st.lists(st.sampled_from(TIMES_OF_DAY), min_size=8, max_size=60), st.integers(2, 4))
def test_each_labelled_pair_is_tested_once_and_never_trained_on_in_its_fold(times, count):
    pairs = [pair(number, time=time) for number, time in enumerate(times)] + [pair("x", labelled=False)]
    folds = make_folds(pairs, count)
    assert [fold.number for fold in folds] == list(range(count))
    assert Counter(p.pair_id for fold in folds for p in fold.test) == {f"d/{n}": 1 for n in range(len(times))}
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert len(fold.train) + len(fold.test) == len(times)
    for time in (None, *TIMES_OF_DAY):
        sizes = [sum(time in (None, p.time_of_day) for p in fold.test) for fold in folds]
        assert max(sizes) - min(sizes) <= 1


def test_folds_do_not_depend_on_the_order_of_the_pairs_nor_on_the_unlabelled_ones():
    pairs = [pair(number, time=("day", "night")[number % 2]) for number in range(20)]
    shuffled = [*pairs, pair("new", labelled=False)]
    Random(3).shuffle(shuffled)
    ids = [[{p.pair_id for p in fold.test} for fold in make_folds(given, 3)] for given in (pairs, shuffled)]
    assert ids[0] == ids[1]
    # A golden one: a change would make results of different versions incomparable.
    assert sorted(ids[0][0]) == ["d/0", "d/1", "d/10", "d/12", "d/15", "d/2", "d/3"]


def test_one_fold_is_the_committed_split():
    pairs = [pair("a"), pair("b", "val"), pair("c", "test"), pair("d", "test"), pair("e", "test", labelled=False)]
    (fold,) = make_folds(pairs, 1)
    assert ([p.name for p in fold.train], [p.name for p in fold.test]) == (["a"], ["c", "d"])


@pytest.mark.parametrize(
    ("pairs", "count"),
    [
        ([], 3),
        ([pair(number) for number in range(5)], 3),  # a fold would test a single pair
        ([pair("a"), pair("b", "test")], 1),
        ([pair("a", "test"), pair("b", "test")], 1),  # nothing to train on
        ([pair(number, boxes=0) for number in range(9)], 3),
    ],
)
def test_too_few_labelled_pairs_give_no_folds(pairs, count):
    assert make_folds(pairs, count) == []


def test_fewer_than_one_fold_is_one_clear_line():
    with pytest.raises(InputError, match=r"detect\.folds is 0"):
        make_folds([], 0)
