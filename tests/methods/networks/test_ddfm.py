"""DDFM's step of expectation and maximisation, against a slow transcription; the method around it.

The last tests compare with outputs of the authors' code, where they are to be had.
"""

import numpy as np
import pytest
import torch
from support.parity import PARITY, made_weights, psnr, read_rgb

from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_luminance, to_8_bits
from text2pixels.methods.networks import ddfm
from text2pixels.methods.networks.diffusion_unet import DiffusionUNet, Shape

TINY = Shape(channels=32, multipliers=(1, 2), blocks=1, attention=(1,))


def slow_em(current, first, second, steps):
    """ICCV 2023, equations (15) to (23) with the authors' constants: least squares by dense matrices, in float64."""
    height, width = first.shape
    residual_first = first - second
    # Circular differences of neighbours as matrices over the flattened image.
    across, down = np.zeros((2, height * width, height * width))
    for row in range(height):
        for column in range(width):
            here = row * width + column
            across[here, here] -= 1
            across[here, row * width + (column + 1) % width] += 1
            down[here, here] -= 1
            down[here, (row + 1) % height * width + column] += 1
    normal = np.eye(height * width) + across.T @ across + down.T @ down
    tau_a = tau_b = 1.0
    kept_across, kept_down = np.zeros((2, height, width))
    for _ in range(steps):
        x = current - second
        d = np.sqrt(2 / tau_b / (x**2 + 1e-6))
        c = np.sqrt(2 / tau_a / (residual_first - x + 1e-6) ** 2)
        d = np.minimum(d, 2 * c)
        tau_b, tau_a = np.mean(1 / (d + 1e-10) + tau_b / 2), np.mean(1 / (c + 1e-10) + tau_a / 2)
        right = (residual_first - x).ravel() + across.T @ kept_across.ravel() + down.T @ kept_down.ravel()
        h = np.linalg.solve(normal, right).reshape(height, width)
        for row in range(height):
            for column in range(width):
                right_of = h[row, column + 1] if column + 1 < width else 0
                below = h[row + 1, column] if row + 1 < height else 0
                kept_across[row, column] = 0.001 / 1.001 * (h[row, column] - right_of)
                kept_down[row, column] = 0.001 / 1.001 * (h[row, column] - below)
        x = (2 * c * residual_first + 0.001 * (residual_first - h)) / (2 * c + 2 * d + 0.001)
        current = first - x
    return current, tau_a, tau_b


@pytest.mark.parametrize("steps", [1, 4])
def test_em_step_is_the_slow_one(steps):
    random = np.random.default_rng(steps)
    current, first, second = random.uniform(-1, 1, (3, 7, 9))
    expected, tau_a, tau_b = slow_em(current, first, second, steps)
    state = ddfm.first_state(torch.from_numpy(first))
    found = torch.from_numpy(current)
    for _ in range(steps):
        found = ddfm.em_step(found, torch.from_numpy(first), torch.from_numpy(second), state)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose((state.tau_a, state.tau_b), (tau_a, tau_b), rtol=1e-12)


def test_equal_sources_are_the_fused_picture_from_the_first_step():
    source = torch.rand(8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1
    fused = ddfm.em_step(torch.zeros(8, 8), source, source, ddfm.first_state(source))
    np.testing.assert_allclose(fused, source, atol=1e-3, rtol=0)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = DiffusionUNet(TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    file = tmp_path / "ddfm/256x256_diffusion_uncond.pt"
    file.parent.mkdir()
    torch.save(network.state_dict(), file)
    return tmp_path


def pair(height, width):
    random = np.random.default_rng(height * width)
    return random.integers(0, 256, (height, width), np.uint8), random.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(8, 9), (32, 64), (33, 40)])
def test_gives_the_size_that_came_in_and_the_same_bytes_again(weights, size):
    method = load("ddfm", weights=weights, device="cpu", options={"steps": 3})
    images = pair(*size)
    fused = fuse_luminance(method, *images)
    assert fused.shape == size
    assert (fused.min(), fused.max()) == (0, 255)  # as the authors stretch it
    np.testing.assert_array_equal(fused, fuse_luminance(method, *images))


def test_more_steps_are_another_image(weights):
    images = pair(32, 32)
    few, more = (
        fuse_luminance(load("ddfm", weights=weights, device="cpu", options={"steps": steps}), *images)
        for steps in (2, 6)
    )
    assert (few != more).mean() > 0.5


def test_reflects_up_to_multiples_of_32():
    image = torch.arange(8.0).expand(1, 1, 5, 8)
    filled = ddfm._filled_up(image)
    assert filled.shape == (1, 1, 32, 32)
    assert filled[0, 0, 0].tolist()[:16] == [0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 0, 1]
    whole = torch.rand(1, 1, 32, 64)
    assert torch.equal(ddfm._filled_up(whole), whole)


def test_a_file_of_another_network_is_one_line(tmp_path):
    file = tmp_path / "ddfm/256x256_diffusion_uncond.pt"
    file.parent.mkdir()
    torch.save({"conv": torch.zeros(1)}, file)
    with pytest.raises(InputError, match=r"no U-Net of guided diffusion, input_blocks\.0\.0\.weight is missing"):
        load("ddfm", weights=tmp_path, device="cpu")


@pytest.mark.parametrize(("seconds", "said"), [(0.01, ""), (0.5, "100 steps of 0.5 s are about 50 s"), (70, "1.9 h")])
def test_a_long_wait_on_a_cpu_is_announced_after_the_first_step(monkeypatch, capsys, seconds, said):
    clock = iter([0, seconds])
    monkeypatch.setattr(ddfm.time, "perf_counter", lambda: next(clock))
    assert list(ddfm._announced(iter(range(100)), 100)) == list(range(100))
    printed = capsys.readouterr().err
    assert said in printed
    assert bool(printed) == bool(said)


def views(name):
    """The pair of a fixture, (1, 1, H, W): visible and infrared in 0..255."""
    pictures = (read_rgb(PARITY / f"inputs/{name}_96x64_{side}.png") for side in ("vi", "ir"))
    grays = (picture if picture.ndim == 2 else quantise(luminance(picture)) for picture in pictures)
    return [torch.from_numpy(gray.astype(np.float32))[None, None] for gray in grays]


def given(name):
    file = PARITY / f"given/ddfm/{name}.npz"
    if not file.is_file():
        pytest.skip("no outputs of the authors' code: ../shared/reference/parity is missing")
    return np.load(file)


@pytest.mark.parametrize("name", ["TNO_07", "TNO_19", "FLIR_04943", "FLIR_07968"])
def test_em_step_is_the_authors(name):
    expected = given(f"em_{name}")
    first, second = (view[0, 0] / 127.5 - 1 for view in views(name))
    fused = torch.from_numpy(expected["start"])
    state = ddfm.first_state(fused)
    for step in range(5):
        fused = ddfm.em_step(fused, first, second, state)
        np.testing.assert_allclose(fused, expected["steps"][step], atol=1e-6)
        np.testing.assert_allclose(float(state.tau_a), expected["tau_a"][step], atol=1e-6)
        np.testing.assert_allclose(float(state.tau_b), expected["tau_b"][step], atol=1e-6)
    np.testing.assert_allclose(state.columns_HW, expected["F1"], atol=1e-9)
    np.testing.assert_allclose(state.rows_HW, expected["F2"], atol=1e-9)


def test_network_is_the_authors():
    expected = given("unet")
    method = load("ddfm", weights=made_weights("ddfm"), device="cpu")
    with torch.inference_mode():
        found = method.network.unet(torch.from_numpy(expected["x"])[None], torch.tensor([111]))[0]
    np.testing.assert_allclose(found, expected["t111"], atol=1e-5)


@pytest.mark.slow
def test_network_of_the_published_size_is_the_authors():
    """Needs 5 GB of memory and of disk."""
    expected = given("unet_full")
    file = made_weights("ddfm-full") / "ddfm"
    method = load("ddfm", weights=file.parent, device="cpu")
    assert method.network.unet.channels == 256
    with torch.inference_mode():
        found = method.network.unet(torch.from_numpy(expected["x"])[None], torch.tensor([10]))[0]
    np.testing.assert_allclose(found, expected["t10"], atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["TNO_19", *(pytest.param(name, marks=pytest.mark.slow) for name in ("TNO_07", "FLIR_04943", "FLIR_07968"))],
)
def test_ten_steps_give_the_authors_image(name):
    expected = given(f"sample10_{name}")
    method = load("ddfm", weights=made_weights("ddfm"), device="cpu", options={"steps": 10})
    with torch.inference_mode():
        rgb = method.network.sample(
            *(view / 127.5 - 1 for view in views(name)), torch.from_numpy(expected["x_T"])[None]
        )
    np.testing.assert_allclose(rgb[0], expected["rgb"], atol=1e-3)
    fused = np.tensordot((0.299, 0.587, 0.114), rgb[0].numpy(), 1)
    eight_bits = to_8_bits((fused + 1) * 127.5, method.card.eight_bits)
    assert psnr(eight_bits, read_rgb(PARITY / f"given/ddfm/sample10_{name}.png")) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["TNO_19", "FLIR_04943"])
def test_a_hundred_steps_give_the_image_of_the_authors_script(name):
    given(f"script100_{name}")
    method = load("ddfm", weights=made_weights("ddfm"), device="cpu")
    infrared, visible = (read_rgb(PARITY / f"inputs/{name}_96x64_{side}.png") for side in ("ir", "vi"))
    fused = fuse_luminance(method, infrared, np.repeat(visible[..., None], 3, 2) if visible.ndim == 2 else visible)
    assert psnr(fused, read_rgb(PARITY / f"given/ddfm/script100_{name}.png")) >= 60
