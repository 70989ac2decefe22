"""The detector: gradient to the images, geometry of predictions, foreign weights."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import torch

from text2pixels.detection import pickled, weights
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box

CLASSIC = Path(__file__).parents[2] / "../shared/weights/yolov5/yolov5n.pt"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return Detector(["Car", "People"], head="free")


def test_the_loss_reaches_the_images(detector):
    images = torch.rand(2, 3, 64, 64).requires_grad_()
    detector.train()
    detector.loss(images, [[Box("Car", 8, 8, 30, 20)], []]).backward()
    assert images.grad[0].abs().sum() > 0


def test_images_without_boxes_have_a_finite_loss(detector):
    detector.train()
    assert torch.isfinite(detector.loss(torch.rand(2, 3, 64, 64), [[], []]))


def test_frozen_statistics_make_images_independent(detector):
    images = torch.rand(2, 3, 64, 64)
    detector.train(frozen_statistics=True)
    before = {name: value.clone() for name, value in detector.network.named_buffers()}
    together = detector.network(images)["scores"][:1]
    alone = detector.network(images[:1])["scores"]
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
    for name, value in detector.network.named_buffers():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_predictions_are_within_the_threshold_and_sorted(detector):
    found = detector.predict(torch.rand(2, 3, 64, 96), threshold=1e-6)
    assert len(found) == 2
    for detections in found:
        scores = [item.score for item in detections]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) <= 300


def test_a_saved_detector_comes_back(detector, tmp_path):
    weights.save(tmp_path, detector, {"note": "x"})
    back = weights.read(tmp_path)
    assert back.categories == detector.categories
    for name, value in detector.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], value)


def cut_short(folder):
    path = folder / "detector.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def swapped(folder):
    """The weights of another detector of the same shape."""
    weights.save(folder / "other", Detector(["Person", "Car"], "n"), {})
    (folder / "other/detector.safetensors").replace(folder / "detector.safetensors")


def described(**changes):
    def change(folder):
        path = folder / "detector.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_short, "not the file that detector.json describes: cut short"),
        (swapped, "or of another detector; copy the whole folder again"),
        (lambda folder: (folder / "detector.json").unlink(), "detector.json is missing; write one with: dvc"),
        (lambda folder: (folder / "detector.safetensors").unlink(), "detector.safetensors is missing"),
        (lambda folder: (folder / "detector.json").write_text("{"), "not JSON"),
        (described(format=0), "found 0: written by another version"),
        (described(scale="q"), "a scale of n, s, m, l, x"),
        (described(categories=[]), "expected categories"),
        (described(categories=["Person"]), "another detector than detector.json describes"),
    ],
)
def test_a_harmed_detector_is_one_clear_line(detector, tmp_path, harm, message):
    weights.save(tmp_path, detector, {})
    harm(tmp_path)
    with pytest.raises(InputError, match=message) as error:
        weights.read(tmp_path)
    assert "\n" not in str(error.value)


def test_nothing_is_written_to_the_home_folder(detector):
    assert Path(os.environ["YOLO_CONFIG_DIR"]).name == "ultralytics"
    from ultralytics.utils import SETTINGS

    assert not any(SETTINGS[name] for name in ("sync", "dvc", "mlflow"))


@pytest.mark.skipif(not CLASSIC.is_file(), reason="needs the classic yolov5n.pt beside the repository")
def test_a_classic_yolov5_gives_backbone_and_neck(detector):
    head = {name: value.clone() for name, value in detector.network.state_dict().items() if "model.24" in name}
    assert weights.transplant(detector, CLASSIC) == 342
    stem = pickled.read_tensors(CLASSIC)["model.0.conv.weight"]
    assert torch.equal(detector.network.state_dict()["model.0.conv.weight"], stem)
    for name, value in head.items():
        assert torch.equal(detector.network.state_dict()[name], value)


class Exploit:
    """Is pickled as a call."""

    def __init__(self, function, argument):
        self.call = (function, (argument,))

    def __reduce__(self):
        return self.call


def write_archive(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)


@pytest.mark.parametrize(
    ("function", "argument"),
    [(os.system, "touch exploited"), (subprocess.call, ["touch", "exploited"]), (eval, "open('exploited', 'w')")],
)
def test_a_pickle_that_would_run_a_command_is_refused_in_one_line(detector, tmp_path, monkeypatch, function, argument):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Exploit(function, argument)}, "evil.pt")
    with pytest.raises(InputError, match=rf"evil\.pt would run .*{function.__name__}") as refusal:
        weights.transplant(detector, Path("evil.pt"))
    assert "\n" not in str(refusal.value)
    assert not Path("exploited").exists()


def test_a_pickled_model_gives_its_tensors_without_its_classes(tmp_path, monkeypatch):
    models = ModuleType("models")
    models.Model = type("Model", (torch.nn.Sequential,), {"__module__": "models"})
    monkeypatch.setitem(sys.modules, "models", models)
    model = models.Model(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save({"model": model.half(), "ema": None}, tmp_path / "model.pt")
    monkeypatch.delitem(sys.modules, "models")
    tensors = pickled.read_tensors(tmp_path / "model.pt")
    assert set(tensors) == set(model.state_dict())
    assert all(torch.equal(tensors[name], value.float()) for name, value in model.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_not_weights_is_one_clear_line(detector, tmp_path, content):
    path = tmp_path / "weights.pt"
    if content is None:
        write_archive(path, b"\x80\x02garbage")
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.pt"):
        weights.transplant(detector, path)


def test_a_plain_state_dict_is_read(tmp_path):
    torch.save({"layer.weight": torch.arange(6.0).reshape(2, 3).half()}, tmp_path / "plain.pt")
    tensors = pickled.read_tensors(tmp_path / "plain.pt")
    assert torch.equal(tensors["layer.weight"], torch.arange(6.0).reshape(2, 3))


def test_weights_of_another_network_are_refused(detector, tmp_path):
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="fits 0 of the"):
        weights.transplant(detector, tmp_path / "other.pt")


def test_other_libraries_stay_as_they_were():
    """In a process of its own, as the import happens once."""
    code = (
        "import cv2, torch; from PIL import Image\n"
        "before = Image.open, torch.save, cv2.imread, cv2.imwrite\n"
        "from text2pixels.detection.yolo import Detector; Detector(['person'], 'n')\n"
        "assert before == (Image.open, torch.save, cv2.imread, cv2.imwrite)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
