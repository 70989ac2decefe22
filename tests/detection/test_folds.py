"""Folds: every labelled pair is tested once, by a detector that did not see it."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.datasets.manifest import TIMES_OF_DAY, Pair
from text2pixels.detection.folds import make_folds, pool, scenes_of, why_not
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png


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


def test_pairs_of_a_scene_stay_together_and_folds_stay_of_equal_size():
    pairs = [pair(number) for number in range(20)]
    scenes = {"d/3": "d/3", "d/4": "d/3", "d/11": "d/3", "d/8": "d/8", "d/9": "d/8"}
    folds = make_folds(pairs, 4, scenes)
    tested = {p.pair_id: fold.number for fold in folds for p in fold.test}
    assert tested["d/3"] == tested["d/4"] == tested["d/11"]
    assert tested["d/8"] == tested["d/9"]
    assert [len(fold.test) for fold in folds] == [5] * 4


def test_folds_of_several_sets_are_trained_and_tested_together():
    others = [replace(pair(number), pair_id=f"e/{number}", dataset="e") for number in range(4)]
    one, two = make_folds([pair(number) for number in range(6)], 2), make_folds(others, 2)
    pooled = pool([one, two])
    for number, fold in enumerate(pooled):
        assert fold.train == (*one[number].train, *two[number].train)
        assert fold.test == (*one[number].test, *two[number].test)


@pytest.mark.parametrize(
    ("pairs", "count"),
    [
        ([], 3),
        ([pair(number) for number in range(5)], 3),  # a fold trains on three
        ([pair("a"), pair("b", "test")], 1),
        ([pair(str(number), "test") for number in range(9)], 1),  # nothing to train on
        ([pair(str(number)) for number in range(9)], 1),  # nothing to test
        ([pair(number, boxes=0) for number in range(9)], 3),
    ],
)
def test_a_handful_of_pairs_trains_no_detector_and_the_reason_is_told(pairs, count):
    assert "too few" in why_not(make_folds(pairs, count), 4)


def test_enough_pairs_train_one():
    assert why_not(make_folds([pair(number) for number in range(9)], 3), 4) is None


def test_look_alikes_are_one_scene(tmp_path):
    rng = np.random.default_rng(0)
    pairs = [pair(name) for name in "abcd"]
    views = [rng.integers(0, 256, (8, 9), dtype=np.uint8) for _ in range(2)]
    placed = []
    for one, view in zip(pairs, (views[0], views[1], views[0], views[0]), strict=True):
        image = np.kron(view, np.ones((8, 8), np.uint8))
        image[0, 0] ^= ord(one.name)  # not the same file
        write_png(tmp_path / f"i{one.name}.png", image)
        write_png(tmp_path / f"v{one.name}.png", np.repeat(image[..., None], 3, axis=2))
        placed.append(replace(one, infrared=f"i{one.name}.png", visible=f"v{one.name}.png"))
    assert scenes_of(tmp_path, placed) == {"d/a": "d/a", "d/b": "d/b", "d/c": "d/a", "d/d": "d/a"}
