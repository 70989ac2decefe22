"""Stages `pretrain`, `detect` and `detect-early` on a handful of tiny pairs."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from text2pixels import config, layout
from text2pixels.analysis import average_precision as evaluation
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.detection import protocol, weights
from text2pixels.detection.detections import read_detections, select
from text2pixels.detection.folds import make_folds
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.pipeline import detect, detect_early, pretrain

PARAMS = """
profile: test
seed: 0
datasets: {simulator: {}}
encoders: [hash]
methods: {average: {}, ours: {}}
detect: {weights: yolov5n.pt, pretrain_epochs: 1, epochs: 1, image_size: 64, batch: 2, folds: 2,
  least_pairs: 1, least_boxes: 1, device: cpu}
"""
METHODS = ("average", "ours")
SPLITS = ("train", "train", "test", "test")


@pytest.fixture(scope="session")
def coco_file(tmp_path_factory):
    """A classic YOLOv5n of COCO's classes, of random weights, that finds much of everything."""
    path = tmp_path_factory.mktemp("coco") / "yolov5n.pt"
    torch.manual_seed(2)
    detector = Detector([str(number) for number in range(80)])
    for convolution in detector.layers[-1].m:
        torch.nn.init.zeros_(convolution.bias)
    torch.save(detector.network.state_dict(), path)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch, coco_file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "yolov5n.pt").symlink_to(coco_file)
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
    detect.run(method)
    return read_detections(layout.detections("simulator", method))


def folds_of(table, protocol):
    rows = [row for row in table.to_pylist() if row["kind"] == "image" and row["protocol"] == protocol]
    return {row["pair_id"]: row["fold"] for row in rows}


def test_from_coco_weights_to_precision_in_folds(place):
    pairs = write_pairs()
    table = detected()
    expected = {pair.pair_id: fold.number for fold in make_folds(pairs, 2) for pair in fold.test}
    assert folds_of(table, "k-fold") == expected
    rows = [row for row in table.to_pylist() if row["protocol"] == "k-fold"]
    assert sum(row["kind"] == "truth" for row in rows) == len(SPLITS)
    assert all(row["category"] == "Car" for row in rows if row["kind"] == "detection")
    assert {row.metric for row in evaluation.average_precision(select(table, "k-fold"), 10)} == {"AP50", "AP50:95"}


def test_of_the_test_split_alone_nothing_is_trained(place):
    pairs = write_pairs()
    for pair in pairs:
        if pair.split != "test":
            (layout.fused("simulator", "average") / f"{pair.name}.png").unlink()
    (place / "params.yaml").write_text(PARAMS + "fuse: {pairs: test}\n")
    rows = [row for row in detected().to_pylist() if row["kind"] == "image"]
    assert {row["protocol"] for row in rows} == {"zero-shot"}
    assert sorted(row["pair_id"] for row in rows) == ["simulator/2", "simulator/3"]
    detect_early.run()
    assert not read_detections(layout.detections("simulator", "early")).num_rows


def test_every_seed_tests_every_pair(place):
    write_pairs()
    change(place, "folds: 2", "folds: 2, seeds: 2")
    rows = [row for row in detected().to_pylist() if row["kind"] == "image" and row["protocol"] == "k-fold"]
    assert Counter(row["seed"] for row in rows) == {0: len(SPLITS), 1: len(SPLITS)}


def test_a_fold_is_trained_once_and_again_when_an_image_changed(place, monkeypatch):
    write_pairs()
    trained = []
    monkeypatch.setattr(protocol, "fit", lambda *_, seed, **__: trained.append(seed))
    once = detected()
    change(place, "folds: 2", "folds: 2, seeds: 2")
    assert select(detected(), "k-fold").slice(0, select(once, "k-fold").num_rows).equals(select(once, "k-fold"))
    assert trained == [0, 0, 1, 1]
    write_png(layout.fused("simulator", "average") / "0.png", np.full((48, 64), 99, np.uint8))
    detected()
    assert trained == [0, 0, 1, 1, 0, 0, 1, 1]


def test_sets_of_the_same_categories_train_together_and_others_alone(place):
    pairs = write_pairs()
    for dataset in ("roadscene", "msrs", "m3fd"):
        own = [replace(pair, pair_id=f"{dataset}/{pair.name}", dataset=dataset) for pair in pairs]
        layout.processed(dataset).mkdir(parents=True)
        write_manifest(layout.processed(dataset) / "manifest.parquet", own)
    sources = {name: config.Source() for name in ("roadscene", "m3fd", "msrs")}
    assert [list(group) for group in detect.sharing(sources)] == [["roadscene", "msrs"], ["m3fd"]]


@pytest.mark.slow  # two processes that import the detector's library
def test_two_workers_find_what_one_finds(place):
    write_pairs()
    alone = detected()
    change(place, "folds: 2", "folds: 2, workers: 2")
    assert alone.num_rows > 2 * len(SPLITS)
    assert detected().equals(alone)


@pytest.mark.parametrize(("old", "new"), [("weights: yolov5n.pt, ", ""), ("{weights", "{head: free, weights")])
def test_what_coco_cannot_start_is_tested_on_the_committed_split_from_where_training_starts(place, old, new):
    write_pairs()
    change(place, old, new)
    pretrain.run()
    facts = json.loads((layout.detector() / "detector.json").read_text())
    assert (facts["categories"], facts["images"]) == (["Car"], 4)
    assert folds_of(detected(), "k-fold") == {"simulator/2": 0, "simulator/3": 0}


def test_early_fusion_is_tested_in_the_same_folds(place):
    pairs = write_pairs()
    detect_early.run()
    expected = {pair.pair_id: fold.number for fold in make_folds(pairs, 2) for pair in fold.test}
    table = read_detections(layout.detections("simulator", "early"))
    assert folds_of(table, "k-fold") == expected
    assert folds_of(table, "zero-shot") == {}


def test_early_fusion_starts_from_the_pretrained_detector_where_there_is_no_coco(place):
    write_pairs()
    change(place, "weights: yolov5n.pt, ", "")
    pretrain.run()
    detect_early.run()
    table = read_detections(layout.detections("simulator", "early"))
    assert folds_of(table, "k-fold") == {"simulator/2": 0, "simulator/3": 0}


def test_a_variant_is_tested_with_its_own_detector_on_the_test_split(place):
    write_pairs()
    torch.manual_seed(5)
    weights.save(layout.model("ours"), Detector(["Car"]), {})
    table = detected("ours")
    assert folds_of(table, "own") == {"simulator/2": None, "simulator/3": None}
    assert len(folds_of(table, "k-fold")) == len(SPLITS)
    assert Counter(row["kind"] for row in table.to_pylist() if row["protocol"] == "own")["truth"] == 2


def test_coco_weights_add_a_zero_shot_test_of_all_labelled_pairs(place):
    write_pairs()
    table = detected()
    assert folds_of(table, "zero-shot") == {f"simulator/{number}": None for number in range(len(SPLITS))}
    rows = [row for row in table.to_pylist() if row["protocol"] == "zero-shot"]
    assert {row["category"] for row in rows if row["kind"] != "image"} == {"Car"}


def test_without_coco_weights_there_is_no_zero_shot_test_and_it_says_so(place, capsys):
    write_pairs()
    change(place, "weights: yolov5n.pt, ", "")
    pretrain.run()
    assert folds_of(detected(), "zero-shot") == {}
    assert "no zero-shot" in " ".join(capsys.readouterr().err.split())


def test_a_set_without_labels_gives_an_empty_table_and_says_so(place, capsys):
    write_pairs(labelled=False)
    assert detected().num_rows == 0
    assert "nothing to test" in " ".join(capsys.readouterr().err.split())


def test_a_set_too_small_to_train_on_has_no_folds_and_says_so(place, capsys):
    write_pairs()
    change(place, "least_pairs: 1", "least_pairs: 3")
    assert folds_of(detected(), "k-fold") == {}
    words = " ".join(capsys.readouterr().err.split())
    assert "a fold of 2 has 2 labelled pairs to train on and 2 to test on: too few, expected 3" in words


def test_a_category_with_few_boxes_is_found_as_coco_finds_it_and_the_others_are_trained(place):
    # The test's COCO weights are random, and see cars everywhere.
    pairs = [replace(pair, boxes=(Box("Bicycle", 20, 10, 24, 20),)) for pair in write_pairs()]
    pairs[0] = replace(pairs[0], boxes=(*pairs[0].boxes, Box("Car", 2, 4, 9, 8)))
    write_manifest(layout.processed("simulator") / "manifest.parquet", pairs)
    # A fold trains on two bicycles and on one car at most; zero-shot tests at 640 pixels.
    change(place, "least_pairs: 1, least_boxes: 1", "least_pairs: 1, least_boxes: 2")
    text = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(text.replace("image_size: 64", "image_size: 640"))
    rows = [row for row in detected().to_pylist() if row["kind"] == "detection"]
    shown = ("pair_id", "score", "x", "y", "w", "h")
    found = {
        (protocol, category): {
            tuple(row[name] for name in shown)
            for row in rows
            if (row["protocol"], row["category"]) == (protocol, category)
        }
        for protocol in ("k-fold", "zero-shot")
        for category in ("Bicycle", "Car")
    }
    assert found["zero-shot", "Car"]
    # Not all boxes are equal: an image keeps 300, and with random weights many have the same score. But if a step had
    # been trained, no score would be equal to the last bit.
    assert found["zero-shot", "Car"] & found["k-fold", "Car"]
    assert found["k-fold", "Bicycle"]
    assert found["k-fold", "Bicycle"] != found["zero-shot", "Bicycle"]


def test_a_missing_fused_image_is_one_clear_line(place):
    write_pairs()
    (layout.fused("simulator", "average") / "2.png").unlink()
    with pytest.raises(InputError, match=r"2\.png.*dvc repro fuse"):
        detect.run("average")


@pytest.mark.parametrize(("epochs", "seen"), [(0, None), (1, 4)])
def test_the_detector_of_a_training_is_pretrained_as_long_as_asked(place, epochs, seen):
    """None: as COCO's file has it; both images of two training pairs otherwise."""
    write_pairs()
    change(place, "pretrain_epochs: 1", f"pretrain_epochs: {epochs}")
    pretrain.run()
    facts = json.loads((layout.detector() / "detector.json").read_text())
    assert facts["start"] == "yolov5n.pt"
    assert facts.get("images") == seen


def test_missing_start_weights_are_one_clear_line(place):
    write_pairs()
    change(place, "weights: yolov5n.pt, ", "")
    with pytest.raises(InputError, match="dvc repro pretrain"):
        detect.run("average")


@pytest.mark.parametrize("stage", [pretrain.run, lambda: detect.run("average"), detect_early.run])
def test_missing_weights_are_one_clear_line(place, stage):
    write_pairs()
    change(place, "yolov5n.pt", "nowhere.pt")
    with pytest.raises(InputError, match=r"nowhere\.pt"):
        stage()


def test_folds_begin_with_a_detector_that_was_trained_before(place):
    write_pairs()
    weights.save(place / "trained-before", Detector(["Bus", "Car"], head="free"), {})
    change(place, "weights: yolov5n.pt", "weights: trained-before, head: free")
    pretrain.run()
    facts = json.loads((layout.detector() / "detector.json").read_text())
    assert (facts["start"], facts["categories"]) == ("trained-before", ["Car"])
    assert {row["protocol"] for row in detected().to_pylist()} == {"k-fold"}
    detect_early.run()
