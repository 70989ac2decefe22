"""DeFusion: on random weights, and where they are to be had against outputs of its authors' code."""

import cv2
import numpy as np
import pytest
import torch
from support.parity import PARITY, made_weights, psnr, read_rgb

from text2pixels.errors import InputError
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_luminance, fuse_picture
from text2pixels.methods.networks.defusion import DeFusion


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return DeFusion().state_dict()


def write(folder, content):
    file = folder / "defusion/models.pth"
    file.parent.mkdir(parents=True)
    torch.save(content, file)
    return folder


def pair(height, width):
    random = np.random.default_rng(height * width)
    return random.integers(0, 256, (height, width), np.uint8), random.integers(0, 256, (height, width, 3), np.uint8)


def test_has_the_parameters_of_the_authors_file(state):
    # MMDRFuse (ACM MM 2024) prints the same number for DeFusion.
    assert sum(value.numel() for value in state.values()) == 7_874_473
    assert len(state) == 384


def test_the_second_branch_is_the_first_under_other_names(state, tmp_path):
    names = {"encoder_upper": "encoder_lower", "upper_encoder": "lower_encoder", "decoder_upper": "decoder_lower"}
    lower = {}
    for name, value in state.items():
        for upper, other in names.items():
            if name.startswith(upper):
                lower[name.replace(upper, other)] = value
    both = write(tmp_path / "both", {"state_dict": state | lower, "epoch": 50})
    only_lower = write(
        tmp_path / "lower",
        {"state_dict": lower | {name: value for name, value in state.items() if "upper" not in name}, "epoch": 50},
    )
    images = pair(24, 40)
    first, second = (
        fuse_picture(load("defusion", weights=folder, device="cpu"), *images) for folder in (both, only_lower)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"conv.weight": torch.zeros(1)}, "expected the authors' checkpoint, a dictionary with state_dict"),
        ([1, 2], "expected the authors' checkpoint"),
        ({"state_dict": {"conv.weight": torch.zeros(1)}}, "not the weights of defusion, or damaged"),
    ],
)
def test_another_file_is_one_line(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        load("defusion", weights=write(tmp_path / "weights", content), device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(8, 8), (16, 17), (37, 51)])
def test_gives_rgb_of_the_size_that_came_in(state, tmp_path, size):
    method = load("defusion", weights=write(tmp_path / "weights", {"state_dict": state}), device="cpu")
    assert fuse_picture(method, *pair(*size)).shape == (*size, 3)
    assert fuse_luminance(method, *pair(*size)).shape == size


@pytest.mark.parametrize("name", ["TNO_19", "FLIR_07968_gray", "FLIR_07968_colour"])
def test_gives_what_the_authors_code_gives(name):
    compare(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["TNO_07", "FLIR_04943_gray", "FLIR_04943_colour"])
def test_gives_what_the_authors_code_gives_on_the_other_pairs(name):
    compare(name)


def compare(name):
    method = load("defusion", weights=made_weights("defusion"), device="cpu")
    view = name.removesuffix("_gray").removesuffix("_colour")
    infrared, visible = (read_rgb(PARITY / f"inputs/{view}_{side}.png") for side in ("ir", "vi"))
    if not name.endswith("_colour"):
        gray = visible if visible.ndim == 2 else cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY)
        visible = np.repeat(gray[..., None], 3, axis=2)
    fused = fuse_picture(method, infrared, visible)
    expected = read_rgb(PARITY / f"given/defusion/{name}.png")
    assert psnr(fused, expected) >= 60
    assert np.abs(fused.astype(int) - expected).max() <= 1
    assert method.card.weights == "unverified"
