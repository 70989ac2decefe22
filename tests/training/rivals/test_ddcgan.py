"""DDcGAN's training: its losses pixel by pixel, its discriminators written out, and who steps how often."""

import numpy as np
import pytest
import torch

from text2pixels.training.rivals import ddcgan
from text2pixels.training.rivals.recipe import Budget, Patches

BUDGET = Budget(steps=10, batch=2, patch=16)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def slow_laplacian(image):
    """The mean of the eight neighbours less the pixel; what is beyond the border is 0."""
    height, width = image.shape
    found = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            for y in range(max(0, row - 1), min(height, row + 2)):
                for x in range(max(0, column - 1), min(width, column + 2)):
                    found[row, column] += image[y, x] * (-1 if (y, x) == (row, column) else 1 / 8)
    return found


def test_content_loss_is_the_slow_one():
    fused, infrared, visible = noise(3, 2, 7, 9)
    infrared_part = np.mean([((f - i) ** 2).sum() for f, i in zip(fused, infrared, strict=True)])
    visible_part = np.mean(
        [np.abs(slow_laplacian(f) - slow_laplacian(v)).sum() for f, v in zip(fused, visible, strict=True)]
    )
    found = ddcgan.content_loss(*(torch.from_numpy(images)[:, None] for images in (fused, infrared, visible)))
    assert found.item() == pytest.approx(infrared_part / 16 + 1.2 * visible_part, rel=1e-5)


def test_adversarial_losses_are_the_slow_ones():
    real, fused, other = noise(3, 4, 1)
    expected = -np.log(real + 1e-8).mean() - np.log(1 - fused + 1e-8).mean()
    found = ddcgan.discriminator_loss(torch.from_numpy(real), torch.from_numpy(fused))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    expected = -np.log(fused + 1e-8).mean() - np.log(other + 1e-8).mean()
    found = ddcgan.adversarial_loss([torch.from_numpy(fused), torch.from_numpy(other)])
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_discriminator_is_the_slow_one():
    torch.manual_seed(0)
    judge = ddcgan.Discriminator(11)
    images = noise(2, 11, 11)
    state = {name: value.detach().numpy().astype(float) for name, value in judge.named_parameters()}
    features = images[:, None].astype(float)
    for layer in range(3):
        kernel, bias = state[f"layers.{layer}.weight"], state[f"layers.{layer}.bias"]
        padded = np.pad(features, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        side = (features.shape[2] + 1) // 2
        features = np.empty((2, len(kernel), side, side))
        for row in range(side):
            for column in range(side):
                window = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
                features[..., row, column] = np.einsum("bcyx,ocyx->bo", window, kernel) + bias
        if layer:
            mean, variance = (part(features, axis=(0, 2, 3), keepdims=True) for part in (np.mean, np.var))
            weight, bias = (state[f"norms.{layer - 1}.{part}"][None, :, None, None] for part in ("weight", "bias"))
            features = (features - mean) / np.sqrt(variance + 1e-3) * weight + bias
        features = np.maximum(features, 0)
    expected = np.tanh(features.reshape(2, -1) @ state["dense.weight"].T + state["dense.bias"]) / 2 + 0.5
    np.testing.assert_allclose(judge(torch.from_numpy(images)[:, None]).detach().numpy(), expected, atol=1e-5)


@pytest.fixture
def training():
    torch.manual_seed(0)
    return ddcgan.Training(BUDGET, torch.device("cpu"))


def patches(seed=0):
    infrared, visible = torch.from_numpy(noise(2, 2, 1, 16, 16, seed=seed))
    return Patches(infrared, visible, visible.expand(-1, 3, -1, -1))


def copies(training):
    parts = {"generator": training.generator, "visible": training.of_visible, "infrared": training.of_infrared}
    return {name: [parameter.detach().clone() for parameter in part.parameters()] for name, part in parts.items()}


def moved(before, after):
    pairs = {name: zip(before[name], after[name], strict=True) for name in before}
    return {name for name, both in pairs.items() if any(not torch.equal(one, other) for one, other in both)}


def test_even_steps_move_both_discriminators_and_odd_ones_the_generator(training):
    before = copies(training)
    losses = training.step(patches(), 0)
    assert losses.keys() == {"visible_discriminator", "infrared_discriminator"}
    middle = copies(training)
    assert moved(before, middle) == {"visible", "infrared"}
    losses = training.step(patches(), 1)
    assert losses["generator"] == pytest.approx(losses["adversarial"] + 0.6 * losses["content"], rel=1e-5)
    assert moved(middle, copies(training)) == {"generator"}


@pytest.mark.parametrize(
    ("least", "total", "adversarial", "full"),
    [
        (1.5, 100, 0, 1),  # both are fooled, the loss is small: one step
        (1.3, 100, 19, 1),  # a discriminator is not fooled
        (1.5, 300, 0, 20),  # the loss stays large
    ],
)
def test_the_generator_repeats_its_step_twenty_times_at_most(training, monkeypatch, least, total, adversarial, full):
    count = {"adversarial": 0, "full": 0}

    def move(optimiser, loss):
        count["full" if optimiser is training._full else "adversarial"] += 1

    found = ddcgan._Judged(torch.tensor(float(total)), torch.tensor(0.0), torch.tensor(0.0), least)
    monkeypatch.setattr(training, "_judge_fused", lambda *_: found)
    monkeypatch.setattr(training, "_move", move)
    assert training.step(patches(), 1)["generator_moves"] == adversarial + full
    assert count == {"adversarial": adversarial, "full": full}


def test_a_discriminator_repeats_its_step_while_its_loss_is_large(training, monkeypatch):
    count = 0

    def move(*_):
        nonlocal count
        count += 1

    monkeypatch.setattr(training, "_move", move)
    for loss, expected in ((1.6, 2), (1.8, 40)):  # of the two together
        count = 0
        monkeypatch.setattr(ddcgan, "discriminator_loss", lambda *_, loss=loss: torch.tensor(loss))
        training.step(patches(), 0)
        assert count == expected


def test_the_rate_falls_with_the_generators_moves_and_weights_stay_bounded(training):
    training.step(patches(), 1)
    moves = training._updates()
    assert moves >= 1
    training.step(patches(), 0)
    assert training._sgd["visible"].param_groups[0]["lr"] == pytest.approx(2e-4 * 0.9 ** (moves / 10))
    with torch.no_grad():
        training.generator.decoder[0].bias.fill_(9)
    training.step(patches(), 1)
    assert max(parameter.abs().max() for parameter in training.generator.parameters()) <= 8


def test_the_start_is_the_authors(training):
    kernels = torch.cat([layer.weight.flatten() for layer in training.generator.decoder]).detach()
    assert kernels.abs().max() <= 0.1  # cut at two deviations
    assert kernels.std() == pytest.approx(0.05 * 0.88, rel=0.02)  # of a normal distribution cut there
    assert all((layer.bias == 0).all() for layer in training.generator.decoder)
    first = next(training.generator.parameters())
    assert (training._full.state[first]["square_avg"] == 1).all()
