"""Which pairs and which detectors stand behind an average precision."""

import pytest

from text2pixels.analysis.detection import drawn, precision_of, sections
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
    assert whole(found["AP50"].precisions["ours"]) == pytest.approx(1)
    assert whole(found["AP50_kfold_all"].precisions["ours"]) == pytest.approx(0.5, abs=0.01)
    assert set(found) == {"AP50", "AP50_kfold_all"}


def test_protocols_do_not_mix(tmp_path):
    rows = table(tmp_path, (K_FOLD, "b", True), (ZERO_SHOT, "b", False), (OWN, "b", True))
    found = precision_of({"ours": rows}, PAIRS, 10)
    assert [whole(found[key].precisions["ours"]) for key in ("AP50", "AP50_zero_shot", "AP50_own")] == pytest.approx(
        [1, 0, 1]
    )


def test_only_who_has_a_detector_of_its_own_is_in_that_table(tmp_path):
    (tmp_path / "max").mkdir()
    tables = {
        "ours": table(tmp_path, (K_FOLD, "b", True), (OWN, "b", True)),
        "max": table(tmp_path / "max", (K_FOLD, "b", True)),
    }
    found = precision_of(tables, PAIRS, 10)
    assert set(found["AP50"].precisions) == {"ours", "max"}
    assert set(found["AP50_own"].precisions) == {"ours"}
    own = next(section for section in sections(found, PAIRS, 1, list(tables)) if section.scope.protocol == OWN)
    assert "compares nobody" in own.scope.pairs
    assert {cell.place for table in own.tables.values() for row in table.rows for cell in row.cells} == {0}


def test_methods_tested_on_different_images_are_refused(tmp_path):
    (tmp_path / "max").mkdir()
    tables = {
        "ours": table(tmp_path, (K_FOLD, "a", True), (K_FOLD, "b", True)),
        "max": table(tmp_path / "max", (K_FOLD, "b", True)),
    }
    with pytest.raises(InputError, match="max"):
        precision_of(tables, PAIRS, 10)


def many(folder, hits, seed=None):
    """Write twenty tested pairs, of which the person of the first ``hits`` was found."""
    folder.mkdir(exist_ok=True)
    outcomes = [
        EvaluatedImage(f"d/{number}", (BOX,), (FOUND,) if number < hits else (), K_FOLD, 0, seed)
        for number in range(20)
    ]
    write_detections(folder / "detections.parquet", outcomes)
    return read_detections(folder / "detections.parquet")


TESTED = [pair(str(number), "test") for number in range(20)]


def test_methods_are_compared_with_the_first_on_the_same_resamples(tmp_path):
    tables = {name: many(tmp_path / name, hits) for name, hits in (("ours", 10), ("max", 18), ("same", 10), ("low", 2))}
    found = precision_of(tables, TESTED, 500)["AP50"].differences("ours", ["ours", "max", "same", "low"])
    assert [(each.method, each.verdict) for each in found if each.metric == "AP50"] == [
        ("max", "better"),
        ("same", "not told apart"),
        ("low", "worse"),
    ]
    same = next(each for each in found if each.method == "same")
    assert (same.value, same.low, same.high) == (0, 0, 0)  # paired: nothing is left of the images' own spread
    section = sections(precision_of(tables, TESTED, 500), TESTED, 1, list(tables))[0]
    assert list(section.differences_by_method) == ["max", "same", "low"]
    assert [each.metric for each in section.differences_by_method["max"]] == ["AP50", "AP50:95"]
    assert section.verdict == (
        "mean AP50 of ours: higher than low; lower than max; not told apart from same (paired differences, 95 %)"
    )


def test_what_fine_tuning_adds_is_paired_with_cocos_detector_on_the_same_images(tmp_path):
    rows = [(ZERO_SHOT, str(number), number < 8) for number in range(20)]
    rows += [(K_FOLD, str(number), number < 15) for number in range(20)]
    found = precision_of({"ours": table(tmp_path, *rows)}, TESTED, 500)
    tuned, before = sections(found, TESTED, 1, ["ours"])
    assert (tuned.scope.protocol, before.scope.protocol, before.gains) == (K_FOLD, ZERO_SHOT, [])
    gain = tuned.gains_by_method["ours"][0]
    assert gain.verdict == "better"
    assert gain.value == pytest.approx(
        whole(found["AP50"].precisions["ours"]) - whole(found["AP50_zero_shot"].precisions["ours"])
    )
    alone = precision_of({"ours": table(tmp_path, *rows[20:])}, TESTED, 10)
    assert sections(alone, TESTED, 1, ["ours"])[0].gains == []


def test_late_fusion_is_a_method_where_both_sources_were_tested(tmp_path):
    tables = {name: many(tmp_path / name, 10) for name in ("ours", "infrared", "visible")}
    found = precision_of(tables, TESTED, 10)
    (section,) = sections(found, TESTED, 1, list(tables))
    assert [row.method for row in section.tables["AP50"].rows].count("late") == 1
    assert {each.method for each in section.differences} == {"infrared", "visible", "late"}
    del tables["visible"]
    assert "late" not in precision_of(tables, TESTED, 10)["AP50"].precisions


def test_early_fusion_is_not_missed_where_only_cocos_detector_was_tried(tmp_path):
    ours = table(tmp_path, (K_FOLD, "b", True), (ZERO_SHOT, "b", True))
    (tmp_path / "early").mkdir()
    found = precision_of({"ours": ours, "early": table(tmp_path / "early", (K_FOLD, "b", True))}, PAIRS, 10)
    assert set(found["AP50"].precisions) == {"ours", "early"}
    assert set(found["AP50_zero_shot"].precisions) == {"ours"}


def test_a_page_draws_what_the_fine_tuned_detector_found_of_one_seed_and_not_what_it_hardly_saw(tmp_path):
    path, faint = tmp_path / "detections.parquet", Detection("person", 0.2, 40, 4, 8, 8)
    cars = [Detection("car", score, 1.26, 2, 3, 4) for score in (0.5, 0.7)]
    write_detections(
        path,
        [
            EvaluatedImage("d/b", (BOX,), (FOUND, faint), K_FOLD, 0, 0),
            EvaluatedImage("d/b", (BOX,), (cars[0],), K_FOLD, 0, 1),
            EvaluatedImage("d/b", (BOX,), (cars[1],), ZERO_SHOT),
        ],
    )
    person = {"category": "person", "score": 0.9, "x": 4, "y": 4, "w": 20, "h": 30}
    assert drawn(read_detections(path), ["d/b", "d/c"]) == {"d/b": [person]}
    write_detections(path, [EvaluatedImage("d/b", (BOX,), (cars[1],), ZERO_SHOT)])
    car = {"category": "car", "score": 0.7, "x": 1.3, "y": 2, "w": 3, "h": 4}
    assert drawn(read_detections(path), ["d/b"]) == {"d/b": [car]}
