"""The noise schedule, the sampler and the U-Net of diffusion models, on tiny ones."""

import numpy as np
import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.methods.networks.diffusion_sampler import add_noise, denoise, signal_shares, spaced_steps
from text2pixels.methods.networks.diffusion_unet import DiffusionUNet, Shape, read_shape

TINY = Shape(channels=32, multipliers=(1, 2), blocks=1, attention=(1,))


def test_shares_of_signal_are_the_products_of_the_linear_schedule():
    shares, product = signal_shares(), 1.0
    for step in range(1000):
        product *= 1 - (0.0001 + step * (0.02 - 0.0001) / 999)
        assert shares[step] == pytest.approx(product, rel=1e-12)


def test_steps_go_from_the_first_to_the_last_at_equal_distances():
    assert spaced_steps(10) == [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]
    assert spaced_steps(2) == [0, 999]
    assert spaced_steps(1000) == list(range(1000))
    hundred = spaced_steps(100)
    assert len(set(hundred)) == 100
    assert set(np.diff(hundred)) == {10, 11}


@pytest.mark.parametrize("count", [-1, 0, 1, 1001])
def test_impossible_numbers_of_steps_are_refused(count):
    with pytest.raises(InputError, match="steps: expected 2 to 1000 denoising steps"):
        spaced_steps(count)


def test_noise_is_added_by_its_share():
    clean, noise = torch.full((2, 3, 4, 4), 0.5), torch.full((2, 3, 4, 4), -2.0)
    noisy = add_noise(clean, noise, torch.tensor([0, 999]))
    shares = signal_shares()
    for image, step in zip(noisy, (0, 999), strict=True):
        expected = 0.5 * shares[step] ** 0.5 - 2 * (1 - shares[step]) ** 0.5
        np.testing.assert_allclose(image, expected, rtol=1e-6)


@pytest.mark.parametrize("steps", [2, 7, 50])
def test_a_network_that_knows_the_image_gets_it(steps):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand((1, 3, 8, 8), generator=generator) * 2 - 1
    shares = signal_shares()

    def noise_in(noisy, step):
        share = shares[int(step)]
        noise = (noisy - share**0.5 * image) / (1 - share) ** 0.5
        return torch.cat([noise, torch.full_like(noise, 9.0)], dim=1)  # what comes after the noise is ignored

    start = torch.randn((1, 3, 8, 8), generator=generator)
    seen = list(denoise(noise_in, start, steps, lambda clean: clean))
    assert len(seen) == steps
    np.testing.assert_allclose(seen[-1], image, atol=1e-3, rtol=0)


def test_the_estimate_is_clamped_before_it_is_corrected_and_the_last_correction_is_the_result():
    estimates = []

    def correct(clean):
        estimates.append(clean)
        return clean + 3

    *_, result = denoise(lambda noisy, step: -5 * torch.ones_like(noisy), torch.zeros(1, 3, 4, 4), 3, correct)
    assert all(estimate.abs().max() <= 1 for estimate in estimates)
    np.testing.assert_allclose(result, estimates[-1] + 3)


@pytest.mark.parametrize(
    "shape",
    [
        TINY,
        Shape(64, (1, 1, 2), 2, (2,), 6),
        Shape(64, (1, 2), 1, (0, 1), 3),
        Shape(32, (1, 1, 2, 2), 1, (), 3),
        Shape(64, (1,), 2, (0,), 3),
    ],
)
def test_the_form_of_a_network_is_read_from_its_tensors(shape):
    with torch.device("meta"):
        state = DiffusionUNet(shape).state_dict()
    assert read_shape(state, "file") == shape


def test_the_published_network_has_its_published_size():
    with torch.device("meta"):
        network = DiffusionUNet(Shape(256, (1, 1, 2, 2, 4, 4), 2, (3, 4, 5)))
    assert sum(parameter.numel() for parameter in network.parameters()) == 552_814_086
    assert len(network.state_dict()) == 566


def changed(**changes):
    state = DiffusionUNet(TINY).state_dict()
    for name, value in changes.items():
        state[name.replace("__", ".")] = value
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "input_blocks.0.0.weight is missing"),
        (changed(out__2__weight=None), "out.2.weight is missing"),
        (changed(middle_block__1__norm__bias=None), "middle_block.1.norm.bias should be .*found none"),
        (changed(more=torch.zeros(1)), "more should be absent"),
        (changed(out__0__bias=torch.zeros(5)), r"out.0.bias should be \(32,\) .*found \(5,\)"),
        (changed(input_blocks__0__0__weight=torch.zeros(48, 3, 3, 3)), "multiple of 32"),
    ],
)
def test_tensors_of_another_network_are_refused_in_one_line(state, message):
    with pytest.raises(InputError, match=message):
        read_shape(state, "file")


def test_an_untrained_network_predicts_no_noise_and_a_trained_one_depends_on_the_step():
    torch.manual_seed(0)
    network = DiffusionUNet(TINY).eval()
    image = torch.randn(2, 3, 16, 8)
    assert not network(image, torch.tensor([3, 3])).any()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    with torch.inference_mode():
        early, late = network(image, torch.tensor([3, 3])), network(image, torch.tensor([900, 900]))
        mixed = network(image, torch.tensor([3, 900]))
    assert early.shape == (2, 6, 16, 8)
    assert (early - late).abs().max() > 1e-3
    np.testing.assert_allclose(mixed, torch.stack([early[0], late[1]]), atol=1e-5, rtol=1e-5)
