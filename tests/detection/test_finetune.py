"""Fine-tuning: what stays as the start weights have it, and what is averaged."""

import numpy as np
import pytest
import torch

from text2pixels.detection.examples import Example
from text2pixels.detection.finetune import fit
from text2pixels.detection.yolo import Detector
from text2pixels.image.boxes import Box

BACKBONE = 10  # layers


def example(number):
    image = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Example(f"d/{number}", lambda: image, (Box("Car", 8, 8, 30, 20),))


def tuned(**more):
    """Return the tensors of a detector before and after two steps."""
    torch.manual_seed(0)
    detector = Detector(["Car"])
    before = {name: value.clone() for name, value in detector.network.state_dict().items()}
    settings = {"epochs": 1, "batch": 2, "image_size": 64, "learning_rate": 1e-3, "seed": 0, "description": None}
    fit(detector, [example(number) for number in range(4)], device=torch.device("cpu"), **settings | more)
    return before, detector.network.state_dict(), detector


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_all_is_trained_unless_told_otherwise():
    before, after, _ = tuned()
    names = changed(before, after)
    assert {"model.0.conv.weight", "model.24.m.0.bias", "model.0.bn.running_mean"} <= names


def test_frozen_layers_and_statistics_stay_and_the_rest_is_trained():
    before, after, detector = tuned(frozen_layers=BACKBONE, frozen_statistics=True)
    names = changed(before, after)
    assert names
    assert all(int(name.split(".")[1]) >= BACKBONE for name in names)
    assert not [name for name in names if "running" in name]
    assert all(parameter.requires_grad for parameter in detector.network.parameters())  # whoever trains on may


def test_the_average_stays_nearer_to_the_start():
    before, last, _ = tuned(frozen_statistics=True)
    _, averaged, _ = tuned(frozen_statistics=True, memory=0.9)

    def moved(after):
        return sum(float((after[name] - before[name]).abs().sum()) for name in before)

    assert 0 < moved(averaged) < 0.5 * moved(last)


def test_bfloat16_takes_the_same_way_a_little_less_exactly_and_leaves_float32():
    before, exact, _ = tuned(frozen_statistics=True)
    _, rough, detector = tuned(frozen_statistics=True, bf16=True)
    assert {value.dtype for value in detector.parameters()} == {torch.float32}
    kernels = [name for name in changed(before, rough) if before[name].ndim == 4]
    one, other = (torch.cat([(after[name] - before[name]).flatten() for name in kernels]) for after in (exact, rough))
    assert torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=0) > 0.8
    assert not torch.equal(one, other)


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_the_same_seed_gives_the_same_weights(memory):
    first, again = (tuned(memory=memory)[1] for _ in range(2))
    assert not changed(first, again)
