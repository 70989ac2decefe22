"""Each loss against a slow, literal transcription of its formula."""

import math

import numpy as np
import pytest
import torch

from text2pixels.config import Losses
from text2pixels.network import losses


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    base = rng.uniform(size=(2, 1, 20, 24))
    noisy = [np.clip(base + rng.normal(0, s, base.shape), 0, 1) for s in (0.05, 0.2, 0.1, 0.15)]
    return [torch.from_numpy(image).float() for image in noisy]  # x, y, z, z'


def slow_ssim(a, b):
    """Wang et al. (2004), eq. 13: window by window, in float64."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * p * p).sum() - mp**2, (window * q * q).sum() - mq**2
            vpq = (window * p * q).sum() - mp * mq
            values.append(
                (2 * mp * mq + 0.01**2) * (2 * vpq + 0.03**2) / ((mp**2 + mq**2 + 0.01**2) * (vp + vq + 0.03**2))
            )
    return float(np.mean(values))


def slow_derivatives(image):
    padded = np.pad(image, 1, mode="edge")
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    result = np.zeros((2, *image.shape))
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            patch = padded[i : i + 3, j : j + 3]
            result[:, i, j] = (patch * kernel).sum(), (patch * kernel.T).sum()
    return result


def slow_gradient(image):
    return np.abs(slow_derivatives(image)).sum(axis=0)


def slow_saliency(image):
    """S_x(k) = sum_i H_x(i) |x(k) - i|, with i over the 256 levels and H_x normalised, in units of 255."""
    levels = np.rint(image * 255)
    return np.array([[np.mean(np.abs(value - levels)) / 255 for value in row] for row in levels])


def slow_triple(a, b, w):
    return (
        w.ssim * (1 - slow_ssim(a, b))
        + w.pixel * np.mean(np.abs(a - b))
        + w.gradient * np.mean(np.abs(slow_gradient(a) - slow_gradient(b)))
    )


def slow_content(z, x, y, w):
    sx, sy = slow_saliency(x), slow_saliency(y)
    w1 = np.clip(sx / np.abs(sx - sy), 0, 1) if w.saliency == "printed" else sx / (sx + sy)
    total = 0.0
    for weight, source in ((w1, x), (1 - w1, y)):
        if w.weigh == "images":
            total += slow_triple(z, weight * source, w)
        else:
            total += w.ssim * weight.mean() * (1 - slow_ssim(z, source))
            total += w.pixel * np.mean(weight * np.abs(z - source))
            total += w.gradient * np.mean(weight * np.abs(slow_gradient(z) - slow_gradient(source)))
    return total


def each(tensors):
    return [[tensor[b, 0].double().numpy() for tensor in tensors] for b in range(len(tensors[0]))]


def close(ours, literal):
    np.testing.assert_allclose(ours.detach().numpy(), literal, rtol=2e-4, atol=2e-5)


WEIGHTS = Losses(ssim=0.7, pixel=1.3, gradient=0.9, structure=0.2, content=0.6, texture=2.5, brightness=0.8)


def test_ssim_is_wangs(images):
    close(losses.ssim(images[0], images[1]), [slow_ssim(x, y) for x, y, _, _ in each(images)])


def test_gradient_is_sobels(images):
    close(losses.gradient(images[0])[:, 0], [slow_gradient(x) for x, *_ in each(images)])


def test_saliency_is_equation_9(images):
    close(losses.saliency(images[0])[:, 0], [slow_saliency(x) for x, *_ in each(images)])


def test_structure_loss_is_equation_8(images):
    close(
        losses.structure_loss(images[2], images[3], WEIGHTS),
        [slow_triple(z, previous, WEIGHTS) for _, _, z, previous in each(images)],
    )


@pytest.mark.parametrize("weigh", ["terms", "images"])
@pytest.mark.parametrize("formula", ["normalised", "printed"])
def test_content_loss_is_equation_9(images, weigh, formula):
    weights = Losses(ssim=0.7, pixel=1.3, gradient=0.9, saliency=formula, weigh=weigh)
    x, y, z, _ = images
    similarity = torch.stack([losses.ssim(z, x), losses.ssim(z, y)])
    close(
        losses.content_loss(z, x, y, weights, similarity),
        [slow_content(z, x, y, weights) for x, y, z, _ in each(images)],
    )


def test_fusion_loss_is_equation_10_with_texture_and_brightness(images):
    x, y, z, previous = images
    expected = []
    for a, b, c, d in each(images):
        alpha_1 = (slow_ssim(d, a) + slow_ssim(d, b)) / 2
        alpha_2 = (slow_ssim(c, a) + slow_ssim(c, b)) / 2
        leads = slow_gradient(a) >= slow_gradient(b)
        strongest = np.where(leads, slow_derivatives(a), slow_derivatives(b))
        texture = np.abs(slow_derivatives(c) - strongest).sum(axis=0).mean()
        expected.append(
            WEIGHTS.structure * alpha_1 * slow_triple(c, d, WEIGHTS)
            + WEIGHTS.content * alpha_2 * slow_content(c, a, b, WEIGHTS)
            + WEIGHTS.texture * texture
            + WEIGHTS.brightness * np.mean(np.abs(c - np.maximum(a, b)))
        )
    close(losses.fusion_loss(z, x, y, previous, WEIGHTS).total_B, expected)


def test_no_gradient_passes_through_the_alphas(images):
    x, y, z, previous = images
    z = z.clone().requires_grad_()
    parts = losses.fusion_loss(z, x, y, previous, WEIGHTS)
    (ours,) = torch.autograd.grad(parts.total_B.sum(), z)
    similarity = torch.stack([losses.ssim(z, x), losses.ssim(z, y)])
    literal = (
        WEIGHTS.structure * parts.parts["alpha_1"] * losses.structure_loss(z, previous, WEIGHTS)
        + WEIGHTS.content * parts.parts["alpha_2"] * losses.content_loss(z, x, y, WEIGHTS, similarity)
        + WEIGHTS.texture * losses.texture_loss(z, x, y)
        + WEIGHTS.brightness * losses.brightness_loss(z, x, y)
    )
    (expected,) = torch.autograd.grad(literal.sum(), z)
    torch.testing.assert_close(ours, expected)


def test_the_first_epoch_has_no_structure_loss(images):
    x, y, z, _ = images
    assert "structure" not in losses.fusion_loss(z, x, y, None, WEIGHTS).parts


def test_a_batch_is_the_images_one_by_one(images):
    x, y, z, previous = images
    together = losses.fusion_loss(z, x, y, previous, WEIGHTS).total_B
    alone = [losses.fusion_loss(*(image[b : b + 1] for image in images_in_order(images)), WEIGHTS) for b in range(2)]
    torch.testing.assert_close(together, torch.cat([part.total_B for part in alone]))


def images_in_order(images):
    x, y, z, previous = images
    return z, x, y, previous


@pytest.mark.parametrize("formula", ["normalised", "printed"])
def test_constant_and_equal_images_have_finite_weights(formula):
    flat = torch.full((1, 1, 12, 12), 0.5)
    first, second = losses.saliency_weights(flat, flat, formula)
    assert torch.isfinite(first).all()
    torch.testing.assert_close(first + second, torch.ones_like(first))


def test_a_warm_object_on_a_cold_scene_outweighs_a_dark_visible_image():
    infrared = torch.full((1, 1, 32, 32), 0.2)
    infrared[..., 10:20, 10:20] = 0.9
    visible = torch.full((1, 1, 32, 32), 0.05)
    visible[..., :4, :] = 0.1
    weight, _ = losses.saliency_weights(infrared, visible)
    assert weight[..., 10:20, 10:20].min() > 0.9


def test_equal_images_have_no_loss():
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    total = losses.fusion_loss(image, image, image, image, Losses()).total_B.item()
    assert math.isclose(total, 0, abs_tol=1e-5)


def test_guidance_is_the_weighed_distance_to_its_target():
    rng = np.random.default_rng(0)
    z, target, weight = (rng.random((2, 1, 6, 7), dtype=np.float32) for _ in range(3))
    expected = [float((weight[b] * np.abs(z[b] - target[b])).sum()) for b in range(2)]
    found = losses.guidance_loss(*(torch.from_numpy(each) for each in (z, target, weight)))
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_grounding_wants_each_phrase_on_its_own_objects_and_the_null_token_elsewhere():
    attention = torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    where = torch.zeros(2, 2, 5, 6)  # the shares of tokens; the second image's phrases name nothing there
    where[0, 0, 1, 1:4] = torch.tensor([1.0, 0.5, 0.2])  # of a token that is hardly covered nobody asks
    where[0, 1, 3, 2:5] = 1.0
    objects = where.sum(dim=1)
    objects[0, 4, :5] = 1.0  # an object that nobody named
    expected = []
    for image in range(2):
        places = {"first": [], "second": [], "unnamed": [], "rest": []}
        for row in range(5):
            for column in range(6):
                wrong = [-math.log(max(value, 1e-6)) for value in attention[image, :, row, column].tolist()]
                first, second = where[image, :, row, column].tolist()
                covered = objects[image, row, column].item()
                for name, token, share in (
                    ("first", 0, first if first > 0.3 else 0),
                    ("second", 1, second if second > 0.3 else 0),
                    ("unnamed", 2, covered - first - second if covered - first - second > 0.3 else 0),
                    ("rest", 2, covered < 0.05),
                ):
                    places[name].append((wrong[token] * share, share))
        expected.append(sum(sum(w for w, _ in of) / max(sum(share for _, share in of), 4) for of in places.values()))
    assert losses.grounding_loss(attention, where, objects).tolist() == pytest.approx(expected, rel=1e-4)
