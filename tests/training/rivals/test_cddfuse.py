"""CDDFuse's training: its losses pixel by pixel, and what moves in which phase."""

import numpy as np
import pytest
import torch

from text2pixels.training.rivals import cddfuse
from text2pixels.training.rivals.recipe import Budget, Patches, sobel

PARTS = ("encoder", "decoder", "base", "detail")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def tensors(*images):
    return [torch.from_numpy(image)[None, None] for image in images]


def slow_derivatives(image, mode):
    """Sobel, horizontal and vertical, as written in any book."""
    padded = np.pad(image.astype(float), 1, mode=mode)
    height, width = image.shape
    found = np.zeros((2, height, width))
    for row in range(height):
        for column in range(width):
            window = padded[row : row + 3, column : column + 3]
            found[0, row, column] = window[:, 2] @ (1, 2, 1) - window[:, 0] @ (1, 2, 1)
            found[1, row, column] = window[2] @ (1, 2, 1) - window[0] @ (1, 2, 1)
    return found


def slow_dissimilarity(first, second):
    """SSIM in windows of 11 x 11, weighted by a Gaussian of 1.5 pixels."""
    weights = np.array([[np.exp(-(y**2 + x**2) / 4.5) for x in range(-5, 6)] for y in range(-5, 6)])
    weights /= weights.sum()
    one, other = (np.pad(image.astype(float), 5, mode="reflect") for image in (first, second))
    found = []
    for row in range(first.shape[0]):
        for column in range(first.shape[1]):
            a, b = (image[row : row + 11, column : column + 11] for image in (one, other))
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            ssim = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
            ssim /= (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
            found.append((1 - ssim) / 2)
    return np.mean(found)


def test_dissimilarity_is_the_slow_one():
    first, second = noise(2, 12, 14)
    found = cddfuse.dissimilarity(*tensors(first, second)).item()
    assert found == pytest.approx(slow_dissimilarity(first, second), abs=1e-5)
    assert cddfuse.dissimilarity(*tensors(first, first)).item() == pytest.approx(0, abs=1e-6)


def test_reconstruction_loss_is_the_slow_one():
    image, again = noise(2, 12, 14)
    expected = 5 * slow_dissimilarity(image, again) + ((image - again) ** 2).mean()
    assert cddfuse.reconstruction_loss(*tensors(image, again)).item() == pytest.approx(expected, abs=1e-5)


def test_derivatives_are_the_slow_ones():
    image = noise(7, 9)
    np.testing.assert_allclose(cddfuse.derivatives(*tensors(image))[0], slow_derivatives(image, "edge") / 8, atol=1e-6)
    expected = np.abs(slow_derivatives(image, "constant")).sum(axis=0)
    np.testing.assert_allclose(sobel(*tensors(image))[0, 0], expected, atol=1e-5)


def test_fusion_loss_is_the_slow_one():
    fused, infrared, visible = noise(3, 7, 9)
    gradients = [np.abs(slow_derivatives(image, "constant")).sum(axis=0) for image in (fused, infrared, visible)]
    expected = np.abs(fused - np.maximum(infrared, visible)).mean()
    expected += 10 * np.abs(gradients[0] - np.maximum(gradients[1], gradients[2])).mean()
    assert cddfuse.fusion_loss(*tensors(fused, infrared, visible)).item() == pytest.approx(expected, rel=1e-5)


def test_decomposition_loss_is_made_of_numpys_correlations():
    features = noise(4, 2, 3, 5, 6)
    coefficients = [
        np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(a, b, strict=True)])
        for a, b in ((features[i].reshape(6, -1), features[i + 1].reshape(6, -1)) for i in (0, 2))
    ]
    base, detail = torch.from_numpy(features[:2]), torch.from_numpy(features[2:])
    found = cddfuse.decomposition_loss(tuple(base), tuple(detail))
    assert found.item() == pytest.approx(coefficients[1] ** 2 / (1.01 + coefficients[0]), rel=1e-4)


def test_the_first_phase_moves_encoder_and_decoder_the_second_all_four():
    torch.manual_seed(0)
    training = cddfuse.Training(Budget(steps=12, batch=1, patch=16), torch.device("cpu"))
    infrared, visible = (torch.from_numpy(image) for image in noise(2, 1, 1, 16, 16))
    patches = Patches(infrared, visible, visible.expand(-1, 3, -1, -1))

    def step(number):
        before = {name: value.clone() for name, value in training.weights().items()}
        losses = training.step(patches, number)
        after = training.weights()
        moved = {name.partition(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
        rates = [training.parts()[part].param_groups[0]["lr"] for part in PARTS]
        return losses.keys(), moved, rates

    # Twelve steps stand for 120 epochs: a third of them is the first phase, and rates halve every 20 epochs.
    assert step(0) == ({"reconstruction", "decomposition"}, {"encoder", "decoder"}, [1e-4] * 4)
    assert step(3)[1:] == ({"encoder", "decoder"}, [5e-5, 5e-5, 1e-4, 1e-4])
    assert step(4) == ({"fusion", "decomposition"}, set(PARTS), [2.5e-5, 2.5e-5, 1e-4, 1e-4])
    assert step(11)[2] == [1e-4 / 32, 1e-4 / 32, 1e-4 / 8, 1e-4 / 8]
