"""Stages `pretrain`, `pretrain-folds` and `detect` on a handful of tiny pairs."""

import json
from collections import Counter

import numpy as np
import pytest
import torch

from text2pixels import layout
from text2pixels.analysis import average_precision as evaluation
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.detection import weights
from text2pixels.detection.detections import read_detections
from text2pixels.detection.folds import make_folds
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.pipeline import detect, pretrain, pretrain_folds

PARAMS = """
profile: test
seed: 0
datasets: {simulator: {}}
encoders: [hash]
methods: {average: {}, infrared: {}, ours: {}}
detect: {pretrain_epochs: 1, epochs: 1, image_size: 64, batch: 2, folds: 2, device: cpu}
"""
METHODS = ("average", "ours")
SPLITS = ("train", "train", "test", "test")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


def write_pairs(labelled=True):
    rng = np.random.default_rng(0)
    folder, pairs = layout.processed("simulator"), []
    for number, split in enumerate(SPLITS):
        infrared = np.full((48, 64), 30, np.uint8)
        infrared[10:30, 20:44] = 200
        write_png(folder / f"infrared/{number}.png", infrared)
        write_png(folder / f"visible/{number}.png", rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        for method in METHODS:
            write_png(layout.fused("simulator", method) / f"{number}.png", infrared)
        boxes = (Box("Car", 20, 10, 24, 20),) if labelled else ()
        names = (f"simulator/{number}", "simulator", str(number), split)
        images = (f"infrared/{number}.png", f"visible/{number}.png", 64, 48, str(number), str(number))
        pairs.append(Pair(*names, *images, labelled=labelled, boxes=boxes))
    write_manifest(folder / "manifest.parquet", pairs)
    for method in METHODS:
        layout.model(method).mkdir(parents=True)
        write_card(layout.model(method), entry_of(method).card, method)
    return pairs


def change(place, old, new):
    (place / "params.yaml").write_text(PARAMS.replace(old, new))


def detected(method="average"):
    detect.run("simulator", method)
    return read_detections(layout.detections("simulator", method))


def folds_of(table, protocol):
    rows = [row for row in table.to_pylist() if row["kind"] == "image" and row["protocol"] == protocol]
    return {row["pair_id"]: row["fold"] for row in rows}


def test_from_start_weights_to_precision_in_folds(place):
    pairs = write_pairs()
    pretrain_folds.run("simulator")
    table = detected()
    expected = {pair.pair_id: fold.number for fold in make_folds(pairs, 2) for pair in fold.test}
    assert folds_of(table, "k-fold") == expected
    notes = json.loads((layout.fold_detectors("simulator") / "folds.json").read_text())
    assert notes == {"note": "", "tested in fold": expected}
    rows = table.to_pylist()
    assert sum(row["kind"] == "truth" for row in rows) == len(SPLITS)
    assert all(row["category"] == "Car" for row in rows if row["kind"] == "detection")
    assert {row.metric for row in evaluation.average_precision(table, 10)} == {"AP50", "AP50:95"}


def test_the_start_weights_of_a_fold_come_from_the_other_folds_alone(place, monkeypatch):
    pairs = write_pairs()
    seen = []

    def start_weights(examples, categories, *_):
        seen.append([example.pair_id for example in examples])
        return Detector(categories), {}

    monkeypatch.setattr(pretrain_folds, "start_weights", start_weights)
    pretrain_folds.run("simulator")
    for fold, read in zip(make_folds(pairs, 2), seen, strict=True):
        # Both modalities of each training pair.
        assert Counter(read) == {pair.pair_id: 2 for pair in fold.train}
        assert not set(read) & {pair.pair_id for pair in fold.test}


@pytest.mark.slow  # two processes that import the detector's library
def test_two_workers_find_what_one_finds(place):
    write_pairs()
    pretrain_folds.run("simulator")
    alone = detected()
    change(place, "folds: 2", "folds: 2, workers: 2")
    assert alone.num_rows > 2 * len(SPLITS)
    assert detected().equals(alone)


def test_one_fold_is_the_committed_split_and_starts_where_training_does(place):
    write_pairs()
    change(place, "folds: 2", "folds: 1")
    pretrain.run()
    pretrain_folds.run("simulator")
    facts = json.loads((layout.detector() / "detector.json").read_text())
    assert (facts["categories"], facts["images"]) == (["Car"], 4)
    assert [path.name for path in layout.fold_detectors("simulator").iterdir()] == ["folds.json"]
    assert folds_of(detected(), "k-fold") == {"simulator/2": 0, "simulator/3": 0}


def test_a_variant_is_tested_with_its_own_detector_on_the_test_split(place):
    write_pairs()
    pretrain_folds.run("simulator")
    torch.manual_seed(5)
    weights.save(layout.model("ours"), Detector(["Car"]), {})
    table = detected("ours")
    assert folds_of(table, "own") == {"simulator/2": None, "simulator/3": None}
    assert len(folds_of(table, "k-fold")) == len(SPLITS)
    assert Counter(row["kind"] for row in table.to_pylist() if row["protocol"] == "own")["truth"] == 2


def test_coco_weights_add_a_zero_shot_test_of_all_labelled_pairs(place):
    write_pairs()
    pretrain_folds.run("simulator")
    torch.manual_seed(2)
    torch.save(Detector([str(number) for number in range(80)]).network.state_dict(), place / "yolov5nu.pt")
    change(place, "detect: {", "detect: {weights: yolov5nu.pt, ")
    table = detected()
    assert folds_of(table, "zero-shot") == {f"simulator/{number}": None for number in range(len(SPLITS))}
    rows = [row for row in table.to_pylist() if row["protocol"] == "zero-shot"]
    assert {row["category"] for row in rows if row["kind"] != "image"} == {"Car"}


def test_without_coco_weights_there_is_no_zero_shot_test_and_it_says_so(place, capsys):
    write_pairs()
    pretrain_folds.run("simulator")
    assert folds_of(detected(), "zero-shot") == {}
    assert "no zero-shot" in " ".join(capsys.readouterr().err.split())


def test_a_set_without_labels_gives_an_empty_table_and_says_so(place, capsys):
    write_pairs(labelled=False)
    assert detected().num_rows == 0
    assert "labelled" in " ".join(capsys.readouterr().err.split())


def test_a_set_too_small_for_folds_has_none_and_says_so(place, capsys):
    write_pairs()
    change(place, "folds: 2", "folds: 3")
    pretrain_folds.run("simulator")
    assert folds_of(detected(), "k-fold") == {}
    assert "4 labelled: too few for 3 folds" in " ".join(capsys.readouterr().err.split())
    assert "too few" in json.loads((layout.fold_detectors("simulator") / "folds.json").read_text())["note"]


def test_a_missing_fused_image_is_one_clear_line(place):
    write_pairs()
    (layout.fused("simulator", "average") / "2.png").unlink()
    with pytest.raises(InputError, match=r"2\.png.*dvc repro fuse"):
        detect.run("simulator", "average")


def test_missing_start_weights_are_one_clear_line(place):
    write_pairs()
    with pytest.raises(InputError, match="dvc repro pretrain"):
        detect.run("simulator", "average")


@pytest.mark.parametrize("stage", [pretrain.run, lambda: pretrain_folds.run("simulator")])
def test_missing_weights_are_one_clear_line(place, stage):
    write_pairs()
    change(place, "detect: {", "detect: {weights: nowhere.pt, ")
    with pytest.raises(InputError, match=r"nowhere\.pt"):
        stage()
