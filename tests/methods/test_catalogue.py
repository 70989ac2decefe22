"""Every method of the catalogue, through the one protocol."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.methods import catalogue
from text2pixels.methods.built_in import NOT_RUNNABLE
from text2pixels.methods.card import Card, Entry
from text2pixels.methods.catalogue import locate, methods
from text2pixels.methods.convention import add_colour, fuse_luminance

WEIGHTS = Path(__file__).parents[2] / "../shared/weights"
OFFICIAL = [name for name, entry in methods().items() if entry.card.files]


def load(name):
    if methods()[name].card.weights == "retrained":
        pytest.skip("its weights are trained here")
    files = methods()[name].card.files
    absent = [file.name for file in files if not (WEIGHTS / file.name).is_file()]
    if absent:
        pytest.skip(f"weights missing: {', '.join(absent)}")
    return catalogue.load(name, weights=WEIGHTS if files else None, device="cpu")


def pair(height, width):
    noise = np.random.default_rng(height * width)
    infrared = noise.integers(0, 256, (height, width), dtype=np.uint8)
    return infrared, noise.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(16, 16), (37, 51), (64, 33)])
@pytest.mark.parametrize("name", methods())
def test_fuses_any_size_to_8_bits_of_that_size(name, size):
    infrared, visible = pair(*size)
    method = load(name)
    for convention in ("standard", "unstretched", "stretched"):
        fused = fuse_luminance(method, infrared, visible, convention=convention)
        assert fused.shape == size
        assert fused.dtype == np.uint8
    # Noise in, something other than a flat image out.
    assert fused.std() > 5


@pytest.mark.parametrize("name", methods())
def test_same_pair_gives_same_bytes(name):
    method, images = load(name), pair(24, 40)
    np.testing.assert_array_equal(fuse_luminance(method, *images), fuse_luminance(method, *images))


@pytest.mark.parametrize("name", methods())
def test_colour_is_the_visible_chroma_and_only_infrared_has_none(name):
    visible = pair(16, 16)[1]
    fused = np.full((16, 16), 128, dtype=np.uint8)
    method = load(name)
    assert add_colour(method.card, fused, visible).shape == ((16, 16) if name == "infrared" else (16, 16, 3))


@pytest.mark.parametrize("name", methods())
def test_identical_flat_inputs_stay_flat(name):
    infrared = np.full((88, 96), 120, dtype=np.uint8)
    fused = fuse_luminance(load(name), infrared, np.repeat(infrared[..., None], 3, axis=2), convention="unstretched")
    inside = fused[40:-40, 40:-40]  # zero padding shows at the border of some networks, far inside on three scales
    assert inside.max() - inside.min() <= 1


@pytest.mark.parametrize("name", methods())
def test_entry_is_complete(name):
    entry = methods()[name]
    card = entry.card
    assert card.name == name
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert card.title
    assert card.paper
    assert card.licence
    assert entry.kind == "ours" or locate(entry) is not None
    assert (entry.kind == "network") == bool(card.parameters)
    assert bool(card.files) == (card.weights == "official")
    assert card.weights != "retrained" or entry.recipe
    for file in card.files:
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"([0-9a-f]{40})?", file.git_blob)
        assert file.source


@pytest.mark.parametrize("name", OFFICIAL)
def test_number_of_parameters_is_what_the_network_has(name):
    assert sum(parameter.numel() for parameter in load(name).network.parameters()) == methods()[name].card.parameters


@pytest.mark.parametrize("name", OFFICIAL)
def test_missing_weights_are_an_error_that_says_where_to_get_them(name, tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(InputError, match=r"weights missing.*get .* from .*--weights"):
            catalogue.load(name, weights=folder)


def test_other_peoples_file_under_that_name_is_refused(tmp_path):
    file = tmp_path / "densefuse/densefuse_gray.model"
    file.parent.mkdir()
    torch.save({"conv1": torch.zeros(1)}, file)
    with pytest.raises(InputError, match="not the authors' file"):
        catalogue.load("densefuse", weights=tmp_path)


def test_a_method_says_why_it_does_not_run_and_the_papers_seven_rivals_do():
    assert all(absent.reason for absent in NOT_RUNNABLE)
    assert not {absent.title.lower() for absent in NOT_RUNNABLE} & set(methods())
    assert {"ddcgan", "u2fusion", "segmif", "ddfm", "cddfuse", "defusion", "tardal"} <= set(methods())


@pytest.fixture
def options(monkeypatch):
    """A filter, `scaled`, of two options."""
    card = Card("scaled", "Scaled", "-", options={"steps": 100, "mask": "visible"})
    known = methods() | {"scaled": Entry(card, "filter", "text2pixels.methods.filters.classical:take_visible")}
    monkeypatch.setattr(catalogue, "methods", lambda: known)


def test_options_take_the_place_of_the_cards(options):
    assert catalogue.load("scaled", options={"steps": 10}).card.options == {"steps": 10, "mask": "visible"}
    assert catalogue.entry_of("scaled", {"options": {"mask": "x"}}).card.options == {"steps": 100, "mask": "x"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"step": 10}, "scaled has no option 'step'; it has: steps, mask"),
        ({"steps": "ten"}, "steps of scaled: expected one like 100, found 'ten'"),
        ({"steps": True}, "steps of scaled: expected one like 100, found True"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(options, given, says):
    with pytest.raises(InputError, match=f"--option: {says}"):
        catalogue.load("scaled", options=given)
    with pytest.raises(InputError, match=f"methods.scaled.options: {says}"):
        catalogue.entry_of("scaled", {"options": given})
