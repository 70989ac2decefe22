"""SegMiF's losses, against slow transcriptions; its schedule; a few steps of its training."""

import numpy as np
import pytest
import torch

from text2pixels.methods.catalogue import load, locate, methods
from text2pixels.methods.convention import fuse_picture
from text2pixels.training.rivals import segmif
from text2pixels.training.rivals.recipe import Budget, Patches


def slow_sobel(image):
    padded = np.pad(image, 1)
    result = np.zeros_like(image)
    for row, column in np.ndindex(image.shape):
        window = padded[row : row + 3, column : column + 3]
        across = (window[:, 2] - window[:, 0]) @ [1, 2, 1]
        down = (window[2] - window[0]) @ [1, 2, 1]
        result[row, column] = abs(across) + abs(down)
    return result


def slow_ssim(first, second):
    """Wang et al., 2004: window of 11 pixels and deviation 1.5, zeros beyond the border, mean of the map."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    total = 0.0
    for row, column in np.ndindex(first.shape):
        x, y = (np.pad(image, 5)[row : row + 11, column : column + 11] for image in (first, second))
        mean_x, mean_y = (window * x).sum(), (window * y).sum()
        var_x, var_y = (window * x * x).sum() - mean_x**2, (window * y * y).sum() - mean_y**2
        covariance = (window * x * y).sum() - mean_x * mean_y
        total += (2 * mean_x * mean_y + 1e-4) * (2 * covariance + 9e-4) / (
            (mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4)
        )  # fmt: skip
    return total / first.size


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    fused = random.uniform(0, 1, (2, 1, 13, 17))
    return fused, (fused + random.normal(0, 0.1, fused.shape)).clip(0, 1)


def test_loss_of_the_first_round_is_the_slow_one(images):
    expected = np.mean(
        [
            np.abs(fused - target).mean() + np.abs(slow_sobel(fused) - slow_sobel(target)).mean()
            for fused, target in zip(images[0][:, 0], images[1][:, 0], strict=True)
        ]
    )
    found = segmif.first_loss(*(torch.from_numpy(image).float() for image in images))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_loss_of_later_rounds_is_the_slow_one(images):
    expected = np.mean(
        [
            ((fused - target) ** 2).mean() + 1.1 * (1 - slow_ssim(fused, target))
            for fused, target in zip(images[0][:, 0], images[1][:, 0], strict=True)
        ]
    )
    found = segmif.later_loss(*(torch.from_numpy(image).float() for image in images))
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, (1, 0)), (5999, (1, 5999)), (6000, (2, 0)), (9999, (2, 3999)), (29999, (7, 3999))]
)
def test_rounds_of_the_authors_schedule(step, expected):
    assert segmif.place(step) == expected
    assert segmif.RECIPE.budget.steps == 30_000


def test_distortion_changes_levels_and_keeps_the_range():
    visible = torch.rand(80, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    found = segmif.distorted(visible, np.random.default_rng(5))
    assert found.shape == visible.shape
    assert 0 <= found.min() < found.max() <= 1
    changes = (found - visible).abs().amax((1, 2, 3))
    assert (changes > 0.1).float().mean() > 0.5
    assert 0 < (changes < 0.01).sum() < 16  # with a chance of 1 in 16, nothing is changed
    gray = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(6)).expand(-1, 3, -1, -1)
    still = segmif.distorted(gray, np.random.default_rng(7))
    assert torch.equal(still[:, 0], still[:, 2])  # gray has neither hue nor saturation


def patches(seed, side=32):
    generator = torch.Generator().manual_seed(seed)
    infrared, luminance, third = torch.rand((3, 1, 1, side, side), generator=generator)
    return Patches(infrared, luminance, torch.rand((1, 3, side, side), generator=generator), third * 255)


def train(steps, state=None):
    torch.manual_seed(3)
    rival = segmif.RECIPE.start(Budget(steps=10, batch=1, patch=32), torch.device("cpu"))
    for name, part in rival.parts().items():
        if state:
            part.load_state_dict(state[name])
    records = [rival.step(patches(number), number) for number in steps]
    return rival, records


def test_training_goes_on_from_its_parts_as_if_nothing_had_happened():
    whole, records = train(range(4))
    # The first round is 6,000 of 30,000 steps, here two of ten.
    assert [list(record) for record in records] == 2 * [["first round"]] + 2 * [["later rounds"]]
    before, _ = train(range(3))
    after, _ = train([3], {name: part.state_dict() for name, part in before.parts().items()})
    for name, value in whole.weights().items():
        assert torch.equal(value, after.weights()[name]), name


def test_each_round_begins_with_a_new_optimiser():
    rival, _ = train(range(3))
    states = rival.parts()["optimiser"].state_dict()["state"]
    assert {int(state["step"]) for state in states.values()} == {1}


def test_training_brings_the_result_nearer_to_the_target():
    torch.manual_seed(0)
    rival = segmif.RECIPE.start(Budget(steps=300, batch=1, patch=32), torch.device("cpu"))
    losses = [rival.step(patches(0), number)["first round"] for number in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_the_method_takes_the_trained_weights_and_the_target_is_that_of_the_method():
    rival, _ = train([0])
    entry = methods()["segmif"]
    network = locate(entry).network(entry.card, rival.weights())
    assert sum(parameter.numel() for parameter in network.parameters()) == entry.card.parameters
    random = np.random.default_rng(8)
    infrared, visible = random.integers(0, 256, (20, 24), np.uint8), random.integers(0, 256, (20, 24, 3), np.uint8)
    np.testing.assert_array_equal(
        segmif.fused_by_vsm_wls(infrared, visible), fuse_picture(load("vsm-wls"), infrared, visible)
    )
