"""Splits: committed lists where there are any, a stable hash elsewhere; nothing in two splits."""

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from text2pixels.datasets import partition
from text2pixels.datasets.adapter import Candidate
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.manifest import SPLITS

FOLDER = Path(partition.__file__).parent / "splits"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_a_split_file_names_each_pair_once_and_holds_nothing_but_names(path):
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert path.stem in DATASETS
    assert list(rows[0]) == ["name", "split", "lists"]
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names)
    assert names == sorted(names)
    assert {row["split"] for row in rows} == set(SPLITS)


def test_published_test_lists_are_lists_of_the_test_split():
    assert partition.test_lists("tno") == {}
    for dataset in DATASETS:
        splits = partition.published(dataset)
        for name in partition.test_lists(dataset):
            assert {splits[pair][0] for pair in partition.named(dataset, name)} == {"test"}


def test_roadscene_keeps_both_test_lists_out_of_training():
    splits = {name: split for name, (split, _) in partition.published("roadscene").items()}
    test50, labelled = partition.named("roadscene", "test50"), partition.named("roadscene", "flir-test")
    assert (len(splits), len(test50), len(labelled), len(test50 & labelled)) == (221, 50, 22, 1)
    assert {splits[name] for name in test50 | labelled} == {"test"}
    assert {name for name, split in splits.items() if split == "test"} == test50 | labelled
    assert Counter(splits.values()) == {"train": 134, "test": 71, "val": 16}


def test_m3fd_is_cut_along_its_videos_and_keeps_the_random_split_for_comparison():
    splits = [split for split, _ in partition.published("m3fd").values()]
    assert Counter(splits) == {"train": 3005, "test": 875, "val": 320}
    changes = sum(one != two for one, two in pairwise(splits))
    assert changes < 100  # a random split changes 2,000 times along the videos
    assert [len(partition.named("m3fd", f"random-{split}")) for split in SPLITS] == [2727, 633, 840]


def test_an_unknown_list_names_those_there_are():
    with pytest.raises(ValueError, match=r"known: flir-test, flir-train, flir-val, test50"):
        partition.named("roadscene", "test-50")


def test_the_hash_split_is_fixed_for_ever_and_keeps_its_shares():
    # Computed by hand: sha256("a")[:8] = ca978112ca1bbdca, /2^64 = 0.791; sha256("b") 3e23e816… = 0.243.
    assert (partition.by_hash("a"), partition.by_hash("b")) == ("val", "train")
    counts = Counter(partition.by_hash(f"scene-{number}") for number in range(5000))
    for split, share in zip(SPLITS, partition.SHARES, strict=True):
        assert abs(counts[split] / 5000 - share) < 0.02


def test_one_pair_more_moves_no_other():
    split_of = partition.rule(DATASETS["folder"], {})[1]
    before = {name: split_of(Candidate(name, "", "")) for name in "abcdef"}
    assert {name: split_of(Candidate(name, "", "")) for name in "fedcbaz"} | before == before | {
        "z": split_of(Candidate("z", "", ""))
    }


def test_the_rule_is_said_with_the_digest_of_its_file():
    words = partition.rule(DATASETS["roadscene"], {})[0]
    assert words.startswith("splits/roadscene.csv, SHA-256 ")
    assert partition.rule(DATASETS["tno"], {})[0] == "all test"
