"""Stages `pretrain` and `detect` on a handful of tiny pairs."""

import json

import numpy as np
import pytest

from text2pixels import layout
from text2pixels.data.images import write_png
from text2pixels.data.manifest import Box, Pair, write_manifest
from text2pixels.detection import evaluation, weights
from text2pixels.detection.table import read_detections
from text2pixels.errors import InputError
from text2pixels.stages import detect, pretrain

PARAMS = """
profile: test
seed: 0
datasets: {simulator: {}}
encoders: [hash]
baselines: [average, infrared]
variants: {}
detect: {pretrain_epochs: 1, epochs: 1, image_size: 64, batch: 2, device: cpu}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


def write_pairs(labelled=True):
    rng = np.random.default_rng(0)
    folder, pairs = layout.processed("simulator"), []
    for number, split in enumerate(("train", "train", "test")):
        infrared = np.full((48, 64), 30, np.uint8)
        infrared[10:30, 20:44] = 200
        write_png(folder / f"infrared/{number}.png", infrared)
        write_png(folder / f"visible/{number}.png", rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        write_png(layout.fused("simulator", "average") / f"{number}.png", infrared)
        boxes = (Box("Car", 20, 10, 24, 20),) if labelled else ()
        names = (f"simulator/{number}", "simulator", str(number), split)
        images = (f"infrared/{number}.png", f"visible/{number}.png", 64, 48, str(number), str(number))
        pairs.append(Pair(*names, *images, labelled=labelled, boxes=boxes))
    write_manifest(folder / "manifest.parquet", pairs)


def test_from_start_weights_to_precision(place):
    write_pairs()
    pretrain.run()
    facts = json.loads((layout.detector() / "detector.json").read_text())
    assert facts["categories"] == ["Car"]
    assert facts["images"] == 4  # both modalities of two training pairs
    detect.run("simulator", "average")
    table = read_detections(layout.detections("simulator", "average"))
    rows = table.to_pylist()
    assert [row["pair_id"] for row in rows if row["kind"] == "image"] == ["simulator/2"]
    assert sum(row["kind"] == "truth" for row in rows) == 1
    assert all(row["category"] == "Car" for row in rows if row["kind"] == "detection")
    assert {row.metric for row in evaluation.average_precision(table, 10)} == {"AP50", "AP50:95"}
    # The same again gives the same table.
    detect.run("simulator", "average")
    assert read_detections(layout.detections("simulator", "average")).equals(table)


def test_a_set_without_labels_gives_an_empty_table_and_says_so(place, capsys):
    write_pairs(labelled=False)
    detect.run("simulator", "average")
    assert read_detections(layout.detections("simulator", "average")).num_rows == 0
    assert "labelled" in " ".join(capsys.readouterr().err.split())


def test_a_missing_fused_image_is_one_clear_line(place):
    write_pairs()
    layout.detector().mkdir(parents=True)
    from text2pixels.detection.yolo import Detector

    weights.save(layout.detector(), Detector(["Car"]), {})
    (layout.fused("simulator", "average") / "2.png").unlink()
    with pytest.raises(InputError, match=r"2\.png.*t2p fuse"):
        detect.run("simulator", "average")


def test_missing_weights_are_one_clear_line(place):
    write_pairs()
    (place / "params.yaml").write_text(PARAMS.replace("detect: {", "detect: {weights: nowhere.pt, "))
    with pytest.raises(InputError, match=r"nowhere\.pt"):
        pretrain.run()
