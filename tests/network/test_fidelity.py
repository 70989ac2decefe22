"""The two losses that keep information are the metrics of that name, with a gradient."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from text2pixels.metrics.score import score
from text2pixels.network.fidelity import edge_loss, information_loss


@pytest.fixture
def images():
    """Fused, infrared, visible: 8 bits, smooth and noisy, (3, 96, 112)."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :112]
    first = 110 + 60 * np.sin(rows / 9) + rng.normal(0, 2, rows.shape)
    second = 120 + 50 * np.cos(columns / 7) + rng.normal(0, 1, rows.shape)
    fused = 0.6 * first + 0.4 * second
    return np.clip(np.rint([fused, first, second]), 0, 255).astype(np.uint8)


def tensors(images):
    return [torch.from_numpy(image[None, None].astype(np.float32) / 255) for image in images]


def test_information_is_the_metric_vif(images):
    expected = score(*images, ("VIF",))["VIF"]
    assert 2 - information_loss(*tensors(images)).item() == pytest.approx(expected, rel=1e-3)


def slow_qabf(fused, *sources):
    """Xydeas and Petrović (2000) without the frame, orientations modulo 180 degrees; by SciPy, in float64."""

    def edges(image):
        across, down = (scipy.ndimage.sobel(image.astype(float), axis=axis)[1:-1, 1:-1] for axis in (1, 0))
        return np.hypot(across, down), np.degrees(np.arctan2(down, across))

    def sigmoid(value, most, steepness, centre):
        return most / (1 + np.exp(-steepness * (value - centre)))

    (strength, angle), kept, total = edges(fused), 0.0, 0.0
    for source in sources:
        own, turned = edges(source)
        ratio = np.minimum(own, strength) / np.maximum(np.maximum(own, strength), 1e-9)
        off = np.abs((turned - angle + 90) % 180 - 90)  # 0 to 90
        kept += (sigmoid(ratio, 0.9994, 15, 0.5) * sigmoid(1 - off / 90, 0.9879, 22, 0.8) * own).sum()
        total += own.sum()
    return kept / total


def test_edges_are_the_metric_qabf(images):
    assert 1 - edge_loss(*tensors(images)).item() == pytest.approx(slow_qabf(*images), abs=0.01)


@pytest.mark.parametrize("loss", [information_loss, edge_loss])
def test_a_gradient_step_makes_it_less(loss, images):
    fused, infrared, visible = tensors(images)
    fused.requires_grad_()
    before = loss(fused, infrared, visible)
    (gradient,) = torch.autograd.grad(before.sum(), fused)
    assert torch.isfinite(gradient).all()
    after = loss(fused - 0.002 * gradient / gradient.abs().mean(), infrared, visible)
    assert after.item() < before.item()


@pytest.mark.parametrize("loss", [information_loss, edge_loss])
@pytest.mark.parametrize("side", [8, 20, 33, 64])
def test_flat_and_small_images_have_finite_losses_and_gradients(loss, side):
    fused = torch.full((2, 1, side, side), 0.5, requires_grad=True)
    total = loss(fused, torch.full_like(fused, 0.5), torch.rand(2, 1, side, side))
    (gradient,) = torch.autograd.grad(total.sum(), fused)
    assert torch.isfinite(total).all()
    assert torch.isfinite(gradient).all()
