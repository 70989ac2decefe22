"""The classic YOLOv5: its loss against a slow transcription, its head from COCO's weights."""

from pathlib import Path

import pytest
import torch
from support import slow_anchor_loss

from text2pixels.detection import weights
from text2pixels.detection.anchor_loss import anchor_loss, assign, complete_iou
from text2pixels.detection.anchors import AnchorHead
from text2pixels.detection.yolo import Detector
from text2pixels.detection.zero_shot import read_coco
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box

CLASSIC = Path(__file__).parents[2] / "../shared/weights/yolov5/yolov5n.pt"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def outputs(batch, categories, sides, seed=0):
    torch.manual_seed(seed)
    return [torch.randn(batch, 3, side, side + 2, 5 + categories) for side in sides]


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_that_of_a_slow_transcription(seed):
    raw = outputs(2, 3, (16, 8, 4), seed)
    anchors = AnchorHead([4, 4, 4], 3).anchors
    random = torch.rand(12, 6)
    targets = torch.cat(
        [(random[:, :1] * 2).floor(), (random[:, 1:2] * 3).floor(), random[:, 2:4], 0.02 + 0.5 * random[:, 4:]], dim=1
    )
    expected = slow_anchor_loss.loss([each.tolist() for each in raw], anchors.tolist(), targets.tolist(), 144)
    assert float(anchor_loss(raw, anchors, targets, 144)) == pytest.approx(expected, rel=1e-4)


def test_an_image_without_boxes_is_asked_for_no_objects():
    raw, anchors = outputs(1, 2, (4, 2, 1)), AnchorHead([4, 4, 4], 2).anchors
    expected = slow_anchor_loss.loss([each.tolist() for each in raw], anchors.tolist(), [], 32)
    assert float(anchor_loss(raw, anchors, torch.zeros(0, 6), 32)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("centre", "cells"),
    [
        ((2.3, 3.4), {(3, 2), (3, 1), (2, 2)}),  # left and above
        ((2.7, 3.8), {(3, 2), (3, 3), (4, 2)}),  # right and below
        ((0.2, 0.3), {(0, 0)}),  # no neighbour there
        ((7.9, 5.9), {(5, 7)}),
    ],
)
def test_a_box_asks_the_cell_of_its_centre_and_the_nearer_neighbours(centre, cells):
    target = torch.tensor([[0, 1, centre[0] / 8, centre[1] / 6, 2 / 8, 2 / 6]])
    image, anchor, row, column, category, box = assign(target, torch.tensor([[2.0, 2.0], [8.1, 2.0]]), (6, 8))
    assert set(zip(row.tolist(), column.tolist(), strict=True)) == cells
    assert set(anchor.tolist()) == {0}  # the second is more than four times as wide
    assert set(image.tolist()) == {0}
    assert set(category.tolist()) == {1}
    torch.testing.assert_close(box[:, 0] + column, torch.full((len(cells),), centre[0]))


def test_equal_boxes_have_a_complete_iou_of_one_and_distant_ones_a_negative():
    boxes = torch.tensor([[1.0, 1, 2, 3], [5, 5, 1, 1]])
    torch.testing.assert_close(complete_iou(boxes, boxes), torch.ones(2))
    assert (complete_iou(boxes, boxes.flip(0)) < 0).all()


def test_of_two_boxes_at_one_place_the_order_does_not_matter():
    raw, anchors = outputs(1, 2, (4, 2, 1)), AnchorHead([4, 4, 4], 2).anchors
    targets = torch.tensor([[0, 0, 0.4, 0.4, 0.5, 0.4], [0, 1, 0.42, 0.41, 0.4, 0.6]])
    torch.testing.assert_close(anchor_loss(raw, anchors, targets, 48), anchor_loss(raw, anchors, targets.flip(0), 48))


@pytest.mark.parametrize("head", ["anchors", "free"])
def test_either_head_learns_a_picture_and_its_gradient_reaches_the_images(head):
    torch.manual_seed(0)
    detector = Detector(["Car", "People"], head=head)
    images = torch.rand(2, 3, 64, 64).requires_grad_()
    boxes = [[Box("Car", 8, 8, 30, 20)], []]
    detector.train(frozen_statistics=True)
    optimizer = torch.optim.SGD(detector.parameters(), 1e-4)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = detector.loss(images, boxes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert images.grad[0].abs().sum() > 0


def write_classic(path, scale="n"):
    """Write a state dict with the names of a classic YOLOv5 of COCO's classes, of random weights."""
    torch.manual_seed(0)
    coco = Detector([str(number) for number in range(80)], scale)
    torch.save(coco.network.state_dict(), path)


@torch.no_grad()
def test_all_of_coco_transfers_and_the_first_outputs_are_those_of_zero_shot(tmp_path):
    write_classic(tmp_path / "yolov5n.pt")
    detector = Detector(["bicycle", "person", "unicorn"])
    assert weights.transplant(detector, tmp_path / "yolov5n.pt") == len(detector.network.state_dict())
    images = torch.rand(2, 3, 64, 96)
    coco = read_coco(tmp_path / "yolov5n.pt", "n", {"bicycle": 1, "person": 0})
    expected, found = coco.network(images), detector.network.eval()(images)
    torch.testing.assert_close(found[:, :4], expected[:, :4])
    torch.testing.assert_close(found[:, 4:6], expected[:, [4 + 1, 4 + 0]])
    objectness = torch.cat([each[..., 4].flatten(1) for each in detector.layers[-1].raw(features(detector, images))], 1)
    torch.testing.assert_close(found[:, 6], objectness.sigmoid() / 2)  # a category that COCO lacks


def features(detector, images):
    kept = {}
    hook = detector.layers[-1].register_forward_pre_hook(lambda _, inputs: kept.update(maps=inputs[0]))
    detector.network(images)
    hook.remove()
    return kept["maps"]


@pytest.mark.parametrize("head", ["anchors", "free"])
@torch.no_grad()
def test_a_detector_of_ours_starts_another_as_it_is(tmp_path, head):
    torch.manual_seed(0)
    ours = Detector(["bus", "car", "person"], head=head)
    weights.save(tmp_path, ours, {})
    detector, early = Detector(["person", "bus"], head=head), Detector(["person", "bus"], head=head, channels=4)
    images = torch.rand(2, 3, 64, 96)
    for started in (ours, detector, early):
        if started is not ours:
            assert weights.transplant(started, tmp_path) == len(started.network.state_dict())
        started.network.eval()
    expected, found = (
        output if head == "anchors" else output[0] for output in (ours.network(images), detector.network(images))
    )
    torch.testing.assert_close(found, expected[:, [0, 1, 2, 3, 4 + 2, 4 + 0]])
    four = early.network(torch.cat([images, images.mean(1, keepdim=True)], dim=1))
    assert (four if head == "anchors" else four[0]).shape == found.shape
    assert weights.known_to(tmp_path, ["person", "lamp"]) == ("person",)


def test_a_detector_of_ours_that_cannot_start_another_is_one_clear_line(tmp_path):
    weights.save(tmp_path, Detector(["car"], head="free"), {})
    with pytest.raises(InputError, match=r"head 'free': set detect\.scale to n and detect\.head to free"):
        weights.transplant(Detector(["car"]), tmp_path)
    with pytest.raises(InputError, match="knows car, not person"):
        weights.transplant(Detector(["car", "person"], head="free"), tmp_path)


@torch.no_grad()
def test_a_fourth_channel_starts_as_coco_on_the_mean_of_both_images(tmp_path):
    write_classic(tmp_path / "yolov5n.pt")
    three, four = Detector(["person"]), Detector(["person"], channels=4)
    for detector in (three, four):
        weights.transplant(detector, tmp_path / "yolov5n.pt")
        detector.network.eval()
    visible, infrared = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    mean = (visible + infrared) / 2
    torch.testing.assert_close(
        four.network(torch.cat([visible, infrared], dim=1)), three.network(mean), atol=1e-3, rtol=1e-3
    )


def test_files_that_cannot_start_the_classic_head_are_one_clear_line(tmp_path):
    torch.save(Detector(["a"] * 80, head="free").network.state_dict(), tmp_path / "yolov5nu.pt")
    with pytest.raises(InputError, match=r"has no anchors: .*detect\.head to free"):
        weights.transplant(Detector(["person"]), tmp_path / "yolov5nu.pt")
    write_classic(tmp_path / "yolov5s.pt", "s")
    with pytest.raises(InputError, match="expected weights of yolov5n of COCO's 80 classes"):
        weights.transplant(Detector(["person"]), tmp_path / "yolov5s.pt")
    torch.save(Detector(["a"] * 20).network.state_dict(), tmp_path / "voc.pt")
    with pytest.raises(InputError, match="COCO's 80 classes"):
        weights.transplant(Detector(["person"]), tmp_path / "voc.pt")


@pytest.mark.skipif(not CLASSIC.is_file(), reason="needs the classic yolov5n.pt beside the repository")
def test_the_published_file_starts_a_detector_of_m3fds_categories_as_it_is():
    names = {"People": 0, "Car": 2, "Bus": 5, "Motorcycle": 3, "Lamp": 9, "Truck": 7}
    detector = Detector(list(names))
    weights.transplant(detector, CLASSIC)
    images = torch.rand(1, 3, 64, 64)
    expected = read_coco(CLASSIC, "n", names).predict(images)
    assert detector.predict(images) == expected
