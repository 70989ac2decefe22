"""COCO detectors as they are: the anchors' decoding, files of both kinds, a real image."""

import math
from pathlib import Path

import pytest
import torch
from torchvision.ops import box_iou

from text2pixels.detection.anchors import AnchorHead
from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import detect
from text2pixels.detection.weights import coco_classes
from text2pixels.detection.yolo import build_network
from text2pixels.detection.zero_shot import IMAGE_SIZE, read_coco
from text2pixels.errors import InputError
from text2pixels.image.png import read_rgb

SHARED = Path(__file__).parents[2] / "../shared"
CLASSIC = SHARED / "weights/yolov5/yolov5n.pt"
STREET = SHARED / "data/RoadScene/crop_LR_visible/FLIR_00122.jpg"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def literal(head, features):
    """Decode one box after the other, in plain numbers, as equations of the classic YOLOv5 state them."""
    rows = []
    for level, (stride, feature) in enumerate(zip((8, 16, 32), features, strict=True)):
        weight, bias = head.m[level].weight[:, :, 0, 0], head.m[level].bias
        per_anchor = len(bias) // 3
        for anchor in range(3):
            width, height = (head.anchors[level, anchor] * stride).tolist()
            for row in range(feature.shape[2]):
                for column in range(feature.shape[3]):
                    t = (weight @ feature[0, :, row, column] + bias).tolist()
                    t = t[anchor * per_anchor : (anchor + 1) * per_anchor]
                    x = (sigmoid(t[0]) * 2 - 0.5 + column) * stride
                    y = (sigmoid(t[1]) * 2 - 0.5 + row) * stride
                    w, h = (sigmoid(t[2]) * 2) ** 2 * width, (sigmoid(t[3]) * 2) ** 2 * height
                    rows.append([x, y, w, h, *(sigmoid(t[4]) * sigmoid(value) for value in t[5:])])
    return torch.tensor(rows).T[None]


@torch.no_grad()
def test_the_head_decodes_as_the_literal_formulas_do():
    torch.manual_seed(1)
    head = AnchorHead([4, 5, 6], 2).eval()
    head.anchors.uniform_(1, 9)
    features = [torch.randn(1, 4, 4, 6), torch.randn(1, 5, 2, 3), torch.randn(1, 6, 1, 2)]
    torch.testing.assert_close(head(features), literal(head, features), atol=1e-4, rtol=1e-5)


def test_categories_of_the_data_sets_find_their_coco_classes():
    m3fd = coco_classes(["People", "Car", "Bus", "Motorcycle", "Lamp", "Truck"])
    assert m3fd == {"People": 0, "Car": 2, "Bus": 5, "Motorcycle": 3, "Lamp": 9, "Truck": 7}
    assert coco_classes(["person", "dog of war", "bicycle"]) == {"person": 0, "bicycle": 1}


def write_classic(path):
    """Write a state dict with the names of a classic YOLOv5n of random weights; return its head."""
    network, layers = build_network("n", 80)
    head = AnchorHead([64, 128, 256], 80)
    head.anchors.uniform_(1, 9)
    for convolution in head.m:
        convolution.reset_parameters()  # so that random weights find something
    body = {name: value for name, value in network.state_dict().items() if not name.startswith("model.24.")}
    torch.save(body | {f"model.24.{name}": value for name, value in head.state_dict().items()}, path)
    return layers, head


@torch.no_grad()
def test_a_classic_file_runs_through_backbone_neck_and_anchor_head(tmp_path):
    torch.manual_seed(0)
    layers, head = write_classic(tmp_path / "yolov5n.pt")
    detector = read_coco(tmp_path / "yolov5n.pt", "n", {"Car": 2, "People": 0})
    images, results = torch.rand(1, 3, 64, 96), []
    for layer in layers.eval()[:-1]:
        inputs = results[-1:] or [images]
        if layer.f != -1:
            inputs = [[results[index] for index in layer.f]]
        results.append(layer(*inputs))
    expected = head.eval()([results[17], results[20], results[23]])
    torch.testing.assert_close(detector.network(images), expected, atol=1e-4, rtol=1e-4)
    best = max(float(expected[0, 4 + number].max()) for number in (2, 0))
    assert detector.predict(images)[0][0].score == pytest.approx(best, abs=1e-5)
    assert {item.category for item in detector.predict(images)[0]} <= {"Car", "People"}


@torch.no_grad()
def test_a_u_variant_runs_with_its_own_head(tmp_path):
    torch.manual_seed(0)
    network, _ = build_network("n", 80)
    torch.save(network.state_dict(), tmp_path / "yolov5nu.pt")
    detector = read_coco(tmp_path / "yolov5nu.pt", "n", {"bicycle": 1})
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(detector.network(images)[0], network.eval()(images)[0])
    assert detector.categories == ("bicycle",)


def test_weights_of_another_scale_or_of_other_classes_are_one_clear_line(tmp_path):
    write_classic(tmp_path / "yolov5n.pt")
    with pytest.raises(InputError, match=r"detect\.scale"):
        read_coco(tmp_path / "yolov5n.pt", "s", {"Car": 2})
    network, _ = build_network("n", 3)
    torch.save(network.state_dict(), tmp_path / "three.pt")
    with pytest.raises(InputError, match="COCO's 80 classes"):
        read_coco(tmp_path / "three.pt", "n", {"Car": 2})


@pytest.mark.skipif(
    not (CLASSIC.is_file() and STREET.is_file()), reason="needs yolov5n.pt and RoadScene beside the repository"
)
def test_the_classic_detector_finds_the_cars_of_a_real_street():
    detector = read_coco(CLASSIC, "n", coco_classes(["car", "person"]))
    example = Example("street", lambda: read_rgb(STREET), ())
    ((_, found),) = detect(detector, [example], image_size=IMAGE_SIZE, device=torch.device("cpu"))
    # The three nearest cars as RoadScene's annotators drew them (left, top, right, bottom).
    cars = torch.tensor([[0.0, 119, 119, 233], [229, 131, 323, 203], [388, 140, 507, 203]])
    sure = [item for item in found if item.score > 0.6 and item.category == "car"]
    boxes = torch.tensor([[item.x, item.y, item.x + item.w, item.y + item.h] for item in sure])
    assert box_iou(cars, boxes).max(dim=1).values.min() > 0.75
    assert len(sure) == 5  # and two behind them
    assert all(item.category == "car" for item in found if item.score > 0.4)
