"""Folds: which labelled pairs a detector is trained on and which it is tested on.

With several folds every labelled pair is tested exactly once, by a detector that saw neither its
images nor its boxes. A pair's fold depends on the labelled pairs alone, so it is the same for all
methods and seeds. Pairs are dealt one by one: of a video, neighbouring frames would part, and a set
of videos should keep its committed split (one fold).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from text2pixels.datasets.manifest import TIMES_OF_DAY, Pair, in_split
from text2pixels.errors import InputError

_LEAST_TESTED = 2  # pairs of a fold


@dataclass(frozen=True)
class Fold:
    """One of the folds: pairs to train on and pairs to test on, all labelled."""

    number: int
    train: tuple[Pair, ...]
    test: tuple[Pair, ...]


def make_folds(pairs: Sequence[Pair], count: int) -> list[Fold]:
    """Deal the labelled pairs into folds of equal size and like shares of day and night.

    One fold is the committed split: trained on "train", tested on "test". Where the labelled pairs do
    not suffice, the list is empty: a fold tests two pairs at least and trains on one box at least.

    Args:
        pairs: of one data set, labelled and not.
        count: number of folds.

    Raises:
        InputError: fewer than one fold.
    """
    if count < 1:
        raise InputError(f"detect.folds is {count}: expected 1 (the committed split) or more")
    labelled = [pair for pair in pairs if pair.labelled]
    if count == 1:
        folds = [Fold(0, tuple(in_split(labelled, "train")), tuple(in_split(labelled, "test")))]
    else:
        dealt = sorted(labelled, key=lambda pair: (TIMES_OF_DAY.index(pair.time_of_day), _shuffled(pair)))
        number_of = {pair.pair_id: index % count for index, pair in enumerate(dealt)}
        folds = [
            Fold(
                number,
                tuple(pair for pair in labelled if number_of[pair.pair_id] != number),
                tuple(pair for pair in labelled if number_of[pair.pair_id] == number),
            )
            for number in range(count)
        ]
    enough = all(len(fold.test) >= _LEAST_TESTED and any(pair.boxes for pair in fold.train) for fold in folds)
    return folds if enough else []


def too_few(dataset: str, pairs: Sequence[Pair], count: int) -> str:
    """Return why `make_folds` gave none, in words."""
    labelled = [pair for pair in pairs if pair.labelled]
    train, test = (len(in_split(labelled, split)) for split in ("train", "test"))
    what = f"{train} labelled pairs to train on and {test} to test on" if count == 1 else f"{len(labelled)} labelled"
    return f"{dataset} has {what}: too few for {count} fold{'s' * (count > 1)}"


def _shuffled(pair: Pair) -> bytes:
    """Return a place in an order that no machine changes, unlike the hash that splits are made from."""
    return hashlib.sha256(f"fold of {pair.pair_id}".encode(errors="surrogateescape")).digest()
