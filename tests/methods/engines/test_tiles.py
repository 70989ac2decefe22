"""Large images in tiles: the same as in one piece, by both engines, whatever the network has."""

import numpy as np
import pytest
import torch

from text2pixels.config import Network
from text2pixels.image.colour import quantise
from text2pixels.methods import trained
from text2pixels.methods.engines import tiles
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork

METADATA = {"encoder": "hash", "encoder_identity": "hash", "prompts": "fine"}
SWITCHES = ("self_attention", "cross_attention", "codebook")


@pytest.fixture
def pair():
    noise = np.random.default_rng(0)
    shape = (205, 171)  # no whole number of tokens
    contrast = np.linspace(0.05, 0.9, shape[1])  # another lead in every tile
    infrared = (noise.integers(0, 256, shape) * contrast).astype(np.uint8)
    return infrared, noise.integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.fixture
def small_tiles(monkeypatch):
    def switch():
        monkeypatch.setattr(tiles, "LARGEST", 0)
        monkeypatch.setattr(tiles, "SIDE", 7)

    return switch


@pytest.mark.parametrize("without", [(), *((name,) for name in SWITCHES), SWITCHES])
def test_any_network_gives_the_same_in_tiles(tmp_path, pair, small_tiles, without):
    torch.manual_seed(0)
    settings = {"channels": 4, "heads": 2, "codes": 8, "text_dim": 6} | dict.fromkeys(without, False)
    network = FusionNetwork(Network(**settings)).eval()
    with torch.no_grad():
        network.head.weight *= 20
    checkpoint.save(tmp_path, network, METADATA)
    fuser = trained.load(tmp_path, device="cpu", engine="torch")
    text_TD = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32)
    whole, attention = fuser.fuse_unrounded(*pair, text_TD), fuser.reads_text and fuser.attention_tokens(*pair, text_TD)
    small_tiles()
    np.testing.assert_allclose(fuser.fuse_unrounded(*pair, text_TD), whole, atol=1e-5)
    if fuser.reads_text:
        np.testing.assert_allclose(fuser.attention_tokens(*pair, text_TD), attention, atol=1e-5)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_the_network_that_comes_along_gives_the_same_in_tiles(pair, small_tiles, engine):
    """Luminance to a level, because a last digit can decide how it is rounded; colour follows it in proportion."""
    fuser = trained.load(device="cpu", engine=engine)
    prompts = ("", "a person", "a person:2; at night:-1")

    def fuse(prompt):
        text = fuser.encode(prompt or None)
        fused = quantise(fuser.fuse_unrounded(*pair, text.vectors_TD, text.weights))
        return fused.astype(int), fuser.fuse(*pair, prompt or None)

    whole = [fuse(prompt) for prompt in prompts]
    small_tiles()
    for (luminance, colours), (expected, coloured) in zip(map(fuse, prompts), whole, strict=True):
        difference = np.abs(luminance - expected)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001
        np.testing.assert_array_equal(colours[difference == 0], coloured[difference == 0])


def test_several_large_pairs_are_fused_each_for_itself(pair, small_tiles):
    fuser = trained.load(device="cpu", engine="onnx")
    small_tiles()
    first, second = fuser.fuse([pair[0], pair[0][::-1]], [pair[1], pair[1][::-1]])
    np.testing.assert_array_equal(first, fuser.fuse(*pair))
    np.testing.assert_array_equal(second, fuser.fuse(pair[0][::-1], pair[1][::-1]))


@pytest.mark.parametrize("tokens", [2, 5, 8, 23])
def test_parts_cover_a_side_once(monkeypatch, tokens):
    monkeypatch.setattr(tiles, "SIDE", 4)
    parts = list(tiles._parts(8 * tokens - 3))
    covered = [index for part in parts for index in range(part.start, part.stop)]
    framed = [index for part in parts for index in range(part.framed.start, part.framed.stop)]
    assert covered == list(range(tokens))
    assert framed == list(range(tokens + 2))


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_in_a_video_the_lead_follows_slowly_in_tiles_and_whole(small_tiles, engine, tiled):
    numbers = np.random.default_rng(0)
    smooth = np.kron(numbers.integers(40, 200, (2, 5, 6)), np.ones((32, 32)))
    infrared, scene = smooth[0].astype(np.uint8), np.repeat((smooth[1] / 4)[..., None], 3, axis=2).astype(np.uint8)
    lit = scene.copy()
    lit[:48, :48] = 250
    far = slice(96, None), slice(96, None)
    fuser = trained.load(device="cpu", engine=engine)
    alone = [fuser.fuse(infrared, each)[far].astype(float) for each in (scene, lit)]
    assert np.abs(alone[1] - alone[0]).mean() > 3
    if tiled:
        small_tiles()
    video = fuser.for_video()
    np.testing.assert_allclose(video.fuse(infrared, scene)[far], alone[0], atol=1)
    assert np.abs(video.fuse(infrared, lit)[far] - alone[0]).mean() < 0.5
    if not tiled:  # tiles take their time, and this is the same for them
        for _ in range(150):
            last = video.fuse(infrared, lit)[far]
        np.testing.assert_allclose(last, alone[1], atol=1)
    np.testing.assert_allclose(fuser.for_video().fuse(infrared, lit)[far], alone[1], atol=1)
