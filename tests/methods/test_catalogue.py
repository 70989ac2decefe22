"""Every registered baseline, through the one door."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.methods.catalogue import BASELINES, NOT_RUNNABLE
from text2pixels.methods.door import add_colour, fuse_luminance

WEIGHTS = Path(__file__).parents[2] / "../shared/weights"


def load(name):
    files = BASELINES[name].files
    absent = [file.name for file in files if not (WEIGHTS / file.name).is_file()]
    if absent:
        pytest.skip(f"weights missing: {', '.join(absent)}")
    return BASELINES[name].load(WEIGHTS if files else None)


def pair(height, width):
    noise = np.random.default_rng(height * width)
    infrared = noise.integers(0, 256, (height, width), dtype=np.uint8)
    return infrared, noise.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (37, 51), (64, 33)])
@pytest.mark.parametrize("name", BASELINES)
def test_fuses_any_size_to_8_bits_of_that_size(name, size):
    infrared, visible = pair(*size)
    method = load(name)
    for convention in ("standard", "unstretched", "stretched"):
        fused = fuse_luminance(method, infrared, visible, convention=convention)
        assert fused.shape == size
        assert fused.dtype == np.uint8
    # Noise in, something other than a flat image out.
    assert fused.std() > 5


@pytest.mark.parametrize("name", BASELINES)
def test_same_pair_gives_same_bytes(name):
    method, images = load(name), pair(24, 40)
    np.testing.assert_array_equal(fuse_luminance(method, *images), fuse_luminance(method, *images))


@pytest.mark.parametrize("name", BASELINES)
def test_colour_is_the_visible_chroma_and_only_infrared_has_none(name):
    visible = pair(16, 16)[1]
    fused = np.full((16, 16), 128, dtype=np.uint8)
    method = load(name)
    assert add_colour(method, fused, visible).shape == ((16, 16) if name == "infrared" else (16, 16, 3))


@pytest.mark.parametrize("name", BASELINES)
def test_identical_flat_inputs_stay_flat(name):
    infrared = np.full((40, 48), 120, dtype=np.uint8)
    fused = fuse_luminance(load(name), infrared, np.repeat(infrared[..., None], 3, axis=2), convention="unstretched")
    inside = fused[8:-8, 8:-8]  # zero padding shows at the border of some networks
    assert inside.max() - inside.min() <= 1


@pytest.mark.parametrize("name", BASELINES)
def test_entry_is_complete(name):
    fuser = BASELINES[name]
    assert fuser.name == name
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert fuser.title
    assert fuser.paper
    assert fuser.licence
    assert (fuser.function is None) != (fuser.network is None)
    assert (fuser.weights == "none needed") == (not fuser.files) == (not fuser.parameters)
    for file in fuser.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.source


@pytest.mark.parametrize("name", [name for name, fuser in BASELINES.items() if fuser.files])
def test_number_of_parameters_is_what_the_network_has(name):
    assert sum(parameter.numel() for parameter in load(name).network.parameters()) == BASELINES[name].parameters


@pytest.mark.parametrize("name", [name for name, fuser in BASELINES.items() if fuser.files])
def test_missing_weights_are_an_error_that_says_where_to_get_them(name, tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(InputError, match=r"weights missing.*get .* from .*--weights"):
            BASELINES[name].load(folder)


def test_other_peoples_file_under_that_name_is_refused(tmp_path):
    file = tmp_path / "densefuse/densefuse_gray.model"
    file.parent.mkdir()
    torch.save({"conv1": torch.zeros(1)}, file)
    with pytest.raises(InputError, match="not the authors' file"):
        BASELINES["densefuse"].load(tmp_path)


def test_methods_that_do_not_run_say_why_and_are_in_no_table():
    assert {absent.title for absent in NOT_RUNNABLE} >= {"DDcGAN", "CDDFuse", "SegMiF", "DDFM", "DeFusion"}
    assert all(absent.reason for absent in NOT_RUNNABLE)
    assert not {absent.title.lower() for absent in NOT_RUNNABLE} & set(BASELINES)
