"""Late fusion: the boxes of two detectors, merged."""

import pytest
import torch
from torchvision.ops import batched_nms

from text2pixels.analysis.late_fusion import merge, suppress
from text2pixels.detection.detections import Detection, EvaluatedImage, read_detections, write_detections
from text2pixels.image.boxes import Box

CAR = Box("car", 0, 0, 10, 10)


def table(folder, found):
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    write_detections(path, [EvaluatedImage(name, (CAR,), boxes, fold=0, seed=3) for name, boxes in found.items()])
    return read_detections(path)


def test_what_both_saw_is_one_box_and_what_one_saw_stays(tmp_path):
    infrared = table(tmp_path, {"d/a": [Detection("car", 0.5, 0, 0, 10, 10), Detection("person", 0.4, 30, 0, 5, 9)]})
    visible = table(tmp_path, {"d/a": [Detection("car", 0.8, 1, 0, 10, 10), Detection("car", 0.3, 50, 0, 10, 10)]})
    rows = merge(infrared, visible).to_pylist()
    assert [row["kind"] for row in rows].count("truth") == 1
    found = [(row["category"], round(row["score"], 3)) for row in rows if row["kind"] == "detection"]
    assert found == [("car", 0.8), ("person", 0.4), ("car", 0.3)]
    assert {(row["seed"], row["fold"]) for row in rows} == {(3, 0)}


def test_overlapping_boxes_of_two_categories_both_stay():
    rows = [{"category": name, "score": 0.5, "x": 0.0, "y": 0.0, "w": 9.0, "h": 9.0} for name in ("car", "person")]
    assert len(suppress(rows)) == 2


def test_an_image_that_only_one_table_tells_is_left_out(tmp_path):
    merged = merge(table(tmp_path, {"d/a": [], "d/b": []}), table(tmp_path, {"d/a": []}))
    assert {row["pair_id"] for row in merged.to_pylist()} == {"d/a"}


@pytest.mark.parametrize("seed", range(3))
def test_suppression_is_torchvisions(seed):
    torch.manual_seed(seed)
    corner, size, score, category = (
        torch.rand(60, 2) * 40,
        5 + torch.rand(60, 2) * 20,
        torch.rand(60),
        torch.arange(60) % 2,
    )
    kept = batched_nms(torch.cat([corner, corner + size], dim=1), score, category, 0.6)
    rows = [
        {"category": str(c), "score": s, "x": x, "y": y, "w": w, "h": h}
        for c, s, (x, y), (w, h) in zip(*(each.tolist() for each in (category, score, corner, size)), strict=True)
    ]
    assert [row["score"] for row in suppress(rows)] == score[kept].tolist()
