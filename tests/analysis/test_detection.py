"""Which pairs and which detectors stand behind an average precision."""

import pytest

from text2pixels.analysis.detection import precision_of
from text2pixels.datasets.manifest import Pair
from text2pixels.detection.detections import (
    K_FOLD,
    OWN,
    ZERO_SHOT,
    Detection,
    EvaluatedImage,
    read_detections,
    write_detections,
)
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box

BOX = Box("person", 4, 4, 20, 30)
FOUND = Detection("person", 0.9, 4, 4, 20, 30)


def pair(name, split):
    sizes = (64, 48)
    return Pair(f"d/{name}", "d", name, split, "", "", *sizes, "", "", labelled=True, boxes=(BOX,))


PAIRS = [pair("a", "train"), pair("b", "test")]


def table(folder, *tested):
    """Write (protocol, name, whether the person was found)."""
    path = folder / "detections.parquet"
    outcomes = [
        EvaluatedImage(f"d/{name}", (BOX,), (FOUND,) if hit else (), protocol) for protocol, name, hit in tested
    ]
    write_detections(path, outcomes)
    return read_detections(path)


def whole(rows):
    return next(row.value for row in rows if (row.category, row.metric) == ("all", "AP50"))


def test_the_test_split_stands_apart_from_all_labelled_pairs(tmp_path):
    found = precision_of({"ours": table(tmp_path, (K_FOLD, "a", False), (K_FOLD, "b", True))}, PAIRS, 10)
    assert whole(found["AP50"]["ours"]) == pytest.approx(1)
    assert whole(found["AP50_kfold_all"]["ours"]) == pytest.approx(0.5, abs=0.01)
    assert set(found) == {"AP50", "AP50_kfold_all"}


def test_protocols_do_not_mix(tmp_path):
    rows = table(tmp_path, (K_FOLD, "b", True), (ZERO_SHOT, "b", False), (OWN, "b", True))
    found = precision_of({"ours": rows}, PAIRS, 10)
    assert [whole(found[key]["ours"]) for key in ("AP50", "AP50_zero_shot", "AP50_own")] == pytest.approx([1, 0, 1])


def test_only_who_has_a_detector_of_its_own_is_in_that_table(tmp_path):
    (tmp_path / "max").mkdir()
    tables = {
        "ours": table(tmp_path, (K_FOLD, "b", True), (OWN, "b", True)),
        "max": table(tmp_path / "max", (K_FOLD, "b", True)),
    }
    found = precision_of(tables, PAIRS, 10)
    assert set(found["AP50"]) == {"ours", "max"}
    assert set(found["AP50_own"]) == {"ours"}


def test_methods_tested_on_different_images_are_refused(tmp_path):
    (tmp_path / "max").mkdir()
    tables = {
        "ours": table(tmp_path, (K_FOLD, "a", True), (K_FOLD, "b", True)),
        "max": table(tmp_path / "max", (K_FOLD, "b", True)),
    }
    with pytest.raises(InputError, match="max"):
        precision_of(tables, PAIRS, 10)
