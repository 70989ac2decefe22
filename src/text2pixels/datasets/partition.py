"""The partition of a data set: which pair is for training, which for validation, which for testing.

A list in ``splits/`` (committed; columns name, split, lists) decides where the adapter has one. Otherwise the
adapter declares the rule: all pairs for testing, the folders that say so, or a hash of the scene's name, which
depends on no other pair, order or machine. ``lists`` names further subsets, separated by ";", such as
RoadScene's ``test50``.
"""

import csv
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from text2pixels.datasets.adapter import Adapter, Candidate
from text2pixels.datasets.manifest import SPLITS
from text2pixels.errors import InputError
from text2pixels.files import sha256

SHARES = (0.7, 0.1, 0.2)  # train, val, test, where a hash decides
HELD_BACK = 0.1  # of a published training part, for validation

# Lists of ``splits/`` that papers test on, all of them in the split "test": a leaderboard of its own for each.
_TEST_LISTS = {"roadscene": {"test50": "RoadScene-50, the pairs that several papers test on"}}

_FOLDER = Path(__file__).parent / "splits"


def by_hash(scene: str, shares: tuple[float, float, float] = SHARES) -> str:
    """Return the split of a scene: a fixed point of [0, 1) from the SHA-256 of its name."""
    point = int.from_bytes(hashlib.sha256(scene.encode(errors="surrogateescape")).digest()[:8], "big") / 2**64
    return SPLITS[0] if point < shares[0] else SPLITS[1] if point < shares[0] + shares[1] else SPLITS[2]


def rule(adapter: Adapter, options: Mapping[str, Any]) -> tuple[str, Callable[[Candidate], str]]:
    """Return what decides the splits of a set, in words and as a function.

    The option ``split`` of a data set ("train", "val" or "test") puts every pair there.

    Raises:
        InputError: the option names another split.
    """
    forced = options.get("split")
    if forced is not None:
        if forced not in SPLITS:
            raise InputError(f"datasets.{adapter.name}.options.split: {forced!r:.80}; known: {', '.join(SPLITS)}")
        return f"all {forced} (datasets.{adapter.name}.options.split)", lambda candidate: str(forced)
    file = adapter.split_file
    listed = {name: split for name, (split, _) in published(file).items()} if file else {}

    def otherwise(candidate: Candidate) -> str:
        scene = f"{adapter.name}/{candidate.scene or candidate.name}"
        if adapter.split == "test":
            return "test"
        if adapter.split == "published" and candidate.split is not None:
            held_back = candidate.split == "train" and by_hash(scene, (1 - HELD_BACK, HELD_BACK, 0)) == "val"
            return "val" if held_back else candidate.split
        if candidate.split is not None:
            return candidate.split
        return by_hash(scene)

    hashed = "hash of the scene, but for folders called train, val or test"
    words = {"test": "all test", "published": "as published", "hash": hashed}[adapter.split]
    if listed:
        digest = sha256(_FOLDER / f"{file}.csv")
        words = f"splits/{file}.csv, SHA-256 {digest[:12]}; else {words}"
    return words, lambda candidate: listed.get(candidate.name) or otherwise(candidate)


@cache
def published(dataset: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    """Return name -> (split, further lists) of a set's committed split file; empty where there is none."""
    path = _FOLDER / f"{dataset}.csv"
    if not path.is_file():
        return {}
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["name"]: (row["split"], frozenset(filter(None, row["lists"].split(";")))) for row in rows}


def test_lists(dataset: str) -> Mapping[str, str]:
    """Return the published test lists of a set, name -> title; none for most sets."""
    return _TEST_LISTS.get(dataset, {})


def named(dataset: str, subset: str) -> frozenset[str]:
    """Return the pair names of a further list of a set, such as ("roadscene", "test50").

    Raises:
        InputError: the set has no such list.
    """
    names = frozenset(name for name, (_, lists) in published(dataset).items() if subset in lists)
    if not names:
        known = sorted({entry for _, lists in published(dataset).values() for entry in lists})
        raise InputError(f"{dataset} has no list '{subset}'; known: {', '.join(known) or 'none'}")
    return names
