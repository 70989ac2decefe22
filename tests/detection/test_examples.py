"""Letterboxing and augmentation keep boxes on their objects."""

import numpy as np
import pytest
import torch

from text2pixels.detection.detections import Detection
from text2pixels.detection.examples import Example, batches
from text2pixels.detection.finetune import detect, fit
from text2pixels.image.boxes import Box


def square(width, height, box):
    image = np.zeros((height, width, 3), np.uint8)
    image[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)] = 255
    return Example(f"d/{width}x{height}", lambda: image, (box,))


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_boxes_follow_the_pixels(seed):
    box = Box("Car", 40, 30, 24, 16)
    examples = [square(100, 70, box), square(160, 128, box)]
    for batch in batches(examples, [0, 1], 2, 160, seed=seed):
        assert batch.images_B3HW.shape == (2, 3, 128, 160)
        for image, placed in zip(batch.images_B3HW, batch.boxes, strict=True):
            bright = image[0] > 0.6
            rows, columns = bright.any(1).nonzero(), bright.any(0).nonzero()
            (found,) = placed
            assert abs(found.x - columns.min()) <= 1.5
            assert abs(found.y - rows.min()) <= 1.5
            assert abs(found.x + found.w - 1 - columns.max()) <= 1.5
            assert abs(found.y + found.h - 1 - rows.max()) <= 1.5


def test_the_same_seed_gives_the_same_batches():
    examples = [square(96, 64, Box("Car", 20, 20, 30, 20))] * 3
    first, again, other = (
        torch.cat([batch.images_B3HW for batch in batches(examples, range(3), 2, 96, seed=seed)]) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_image_of_whole_strides_is_not_resampled():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    (batch,) = batches([Example("d/a", lambda: image, ())], [0], 1, 96)
    assert np.array_equal((batch.images_B3HW[0].permute(1, 2, 0) * 255).round().numpy(), image)


class Oracle:
    """A detector that finds the white square, and steps a single weight."""

    categories = ("Car",)

    def __init__(self):
        self.network = torch.nn.Linear(1, 1)
        self.layers = torch.nn.Sequential(self.network)

    def to(self, device):
        return self

    def train(self, frozen_statistics=False):
        pass

    def loss(self, images, boxes):
        return (self.network.weight**2).sum() + images.mean() * 0

    def predict(self, images):
        found = []
        for image in images:
            bright = image[0] > 0.6
            rows, columns = bright.any(1).nonzero(), bright.any(0).nonzero()
            x, y = float(columns.min()), float(rows.min())
            found.append([Detection("Car", 1.0, x, y, float(columns.max()) + 1 - x, float(rows.max()) + 1 - y)])
        return found


def test_detections_come_back_in_pixels_of_the_image():
    box = Box("Car", 40, 30, 24, 16)
    examples = [square(100, 70, box), square(320, 200, box)]
    for _, (item,) in detect(Oracle(), examples, image_size=160, device=torch.device("cpu")):
        for name in "xywh":
            assert abs(getattr(item, name) - getattr(box, name)) <= 3


def test_what_is_found_in_an_image_does_not_depend_on_its_neighbours():
    class Canvas(Oracle):
        def predict(self, images):
            sizes.append(tuple(images.shape[-2:]))
            return super().predict(images)

    box = Box("Car", 40, 30, 24, 16)
    low, tall = square(320, 100, box), square(100, 320, box)
    sizes, alone = [], []
    for example in (low, tall):
        alone += detect(Canvas(), [example], image_size=320, device=torch.device("cpu"))
    assert list(detect(Canvas(), [low, tall], image_size=320, device=torch.device("cpu"))) == alone
    assert sizes == [(128, 320), (320, 128)] * 2


def test_fitting_is_repeatable_and_reports_each_epoch():
    examples = [square(64, 64, Box("Car", 10, 10, 20, 20))] * 3
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        oracle = Oracle()
        settings = {"epochs": 2, "batch": 2, "image_size": 64, "learning_rate": 0.01, "seed": 0}
        losses.append(fit(oracle, examples, **settings, device=torch.device("cpu"), description="fit"))
    assert losses[0] == losses[1]
    assert len(losses[0]) == 2
