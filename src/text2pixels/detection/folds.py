"""Folds: which labelled pairs a detector is trained on and which it is tested on.

With several folds every labelled pair is tested exactly once, by a detector that saw neither its
images nor its boxes, nor those of a pair that looks like it. Data sets with the same categories share
their training. A pair's fold depends on the labelled pairs of its set alone, so it is the same for all
methods and seeds.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from text2pixels.datasets.leaks import dhash, look_alikes
from text2pixels.datasets.manifest import TIMES_OF_DAY, Pair, in_split
from text2pixels.image.png import read_gray, read_rgb


@dataclass(frozen=True)
class Fold:
    """One of the folds: pairs to train on and pairs to test on, all labelled, of one data set or of several."""

    number: int
    train: tuple[Pair, ...]
    test: tuple[Pair, ...]


def make_folds(pairs: Sequence[Pair], count: int, scenes: Mapping[str, str] | None = None) -> list[Fold]:
    """Deal the labelled pairs of a data set into folds of equal size and like shares of day and night.

    One fold is the committed split: trained on "train", tested on "test".

    Args:
        pairs: of one data set, labelled and not.
        count: number of folds, 1 or more.
        scenes: pair_id -> scene, whose pairs stay together; a pair that is not in it is a scene of its own.
    """
    assert count >= 1, count
    labelled = [pair for pair in pairs if pair.labelled]
    if count == 1:
        return [Fold(0, tuple(in_split(labelled, "train")), tuple(in_split(labelled, "test")))]
    together: dict[str, list[Pair]] = {}
    for pair in labelled:
        together.setdefault((scenes or {}).get(pair.pair_id, pair.pair_id), []).append(pair)
    order = sorted(together.values(), key=lambda scene: (TIMES_OF_DAY.index(scene[0].time_of_day), _shuffled(scene[0])))
    sizes = [0] * count
    number_of: dict[str, int] = {}
    for place, scene in enumerate(order):
        # In turn, which keeps day and night alike; a fold that a large scene has filled waits.
        number = min(range(count), key=lambda fold: (sizes[fold], (fold - place) % count))
        sizes[number] += len(scene)
        number_of |= {pair.pair_id: number for pair in scene}
    return [
        Fold(
            number,
            tuple(pair for pair in labelled if number_of[pair.pair_id] != number),
            tuple(pair for pair in labelled if number_of[pair.pair_id] == number),
        )
        for number in range(count)
    ]


def pool(folds: Iterable[Sequence[Fold]]) -> list[Fold]:
    """Return the folds of several data sets as one: fold n of each goes with fold n of the others."""
    return [
        Fold(
            number,
            tuple(pair for fold in together for pair in fold.train),
            tuple(pair for fold in together for pair in fold.test),
        )
        for number, together in enumerate(zip(*folds, strict=True))
    ]


def why_not(folds: Sequence[Fold], least: int) -> str | None:
    """Return why no detector should be trained on these folds, in words; None where it should.

    Args:
        folds: pooled.
        least: pairs with boxes that each fold has to train on.
    """
    trained = min(sum(bool(pair.boxes) for pair in fold.train) for fold in folds)
    tested = min(len(fold.test) for fold in folds)
    if trained >= least and tested:
        return None
    what = f"a fold of {len(folds)}" if len(folds) > 1 else "the committed split"
    return (
        f"{what} has {trained} labelled pairs to train on and {tested} to test on: "
        f"too few, expected {least} and 1 (detect.least_pairs)"
    )


def scenes_of(folder: Path, pairs: Iterable[Pair]) -> dict[str, str]:
    """Return pair_id -> the first pair_id of those that look alike, directly or by way of others.

    Args:
        folder: of the manifest.
        pairs: whose images are compared, as `datasets.leaks` does across splits.
    """
    ids, infrared, visible = [], [], []
    for pair in pairs:
        ids.append(pair.pair_id)
        infrared.append(dhash(read_gray(folder / pair.infrared)))
        visible.append(dhash(read_rgb(folder / pair.visible)))
    first = {name: name for name in ids}
    for one, two, _ in look_alikes(infrared, visible, ids):
        old, new = sorted((first[ids[one]], first[ids[two]]), reverse=True)
        first = {name: new if scene == old else scene for name, scene in first.items()}
    return first


def _shuffled(pair: Pair) -> bytes:
    """Return a place in an order that no machine changes, unlike the hash that splits are made from."""
    return hashlib.sha256(f"fold of {pair.pair_id}".encode(errors="surrogateescape")).digest()
