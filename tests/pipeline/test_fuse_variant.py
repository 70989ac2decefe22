"""The stage `fuse` of a trained network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from text2pixels import layout
from text2pixels.config import Network
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.encoders import cache
from text2pixels.encoders import catalogue as encoders
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, write_png
from text2pixels.methods import trained as inference
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.pipeline import fuse_variant
from text2pixels.prompts.table import Prompt, write_prompts

SET = "roadscene"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A data set of three pairs, their prompts and vectors, and two trained variants."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(
        f"profile: demo\nseed: 0\ndatasets: {{{SET}: {{path: nowhere}}}}\n"
        "encoders: [hash]\nbaselines: []\nvariants: {ours: {}, mute: {}}\n"
    )
    noise = np.random.default_rng(0)
    pairs, prompts = [], []
    for name, split, labelled in (("a", "test", False), ("b", "train", True), ("c", "train", False)):
        write_png(layout.processed(SET) / f"infrared/{name}.png", noise.integers(0, 256, (33, 41), dtype=np.uint8))
        write_png(layout.processed(SET) / f"visible/{name}.png", noise.integers(0, 256, (33, 41, 3), dtype=np.uint8))
        paths = (f"infrared/{name}.png", f"visible/{name}.png")
        pairs.append(Pair(f"{SET}/{name}", SET, name, split, *paths, 41, 33, "", "", labelled=labelled))
        prompts.append(Prompt(f"{SET}/{name}", "fine", (f"phrase {name}", "at night"), "csv"))
    write_manifest(layout.processed(SET) / "manifest.parquet", pairs)
    write_prompts(layout.prompts(SET), prompts)
    encoder = encoders.Hash()
    phrases = [phrase for prompt in prompts for phrase in prompt.phrases]
    layout.embeddings("hash").parent.mkdir(parents=True)
    cache.write(layout.embeddings("hash"), encoder.identity, encoder.encode(phrases))
    for variant, kind in (("ours", "fine"), ("mute", "none")):
        torch.manual_seed(0)
        network = FusionNetwork(Network(channels=8, heads=2, codebook=False))
        with torch.no_grad():
            network.head.weight *= 50
        metadata = {"encoder": "hash", "encoder_identity": encoder.identity, "prompts": kind}
        checkpoint.save(layout.model(variant), network, metadata)
    return prompts


def sources(name):
    from text2pixels.image.png import read_rgb

    folder = layout.processed(SET)
    return read_gray(folder / f"infrared/{name}.png"), read_rgb(folder / f"visible/{name}.png")


def test_fuses_the_test_split_and_labelled_pairs_each_under_its_own_prompt(workspace):
    fuse_variant.run(SET, "ours")
    folder = layout.fused(SET, "ours")
    assert sorted(path.name for path in folder.glob("*.png")) == ["a.png", "b.png"]
    fuser = inference.load(layout.model("ours"), "cpu")
    for name in "ab":
        expected = fuser.fuse_luminance(*sources(name), fuser.encode(f"phrase {name}; at night").vectors_TD)
        np.testing.assert_array_equal(read_gray(folder / f"{name}.png"), expected)
        assert (expected != fuser.fuse_luminance(*sources(name))).any()


def test_test_pairs_come_stretched_before_rounding_too(workspace):
    fuse_variant.run(SET, "ours")
    assert [path.name for path in layout.fused_stretched(SET, "ours").iterdir()] == ["a.png"]
    fuser = inference.load(layout.model("ours"), "cpu")
    y = fuser.fuse_unrounded(*sources("a"), fuser.encode("phrase a; at night").vectors_TD).astype(np.float64)
    expected = 255 * (y - y.min()) / (y.max() - y.min())
    found = read_gray(layout.fused_stretched(SET, "ours") / "a.png")
    assert (found.min(), found.max()) == (0, 255)
    np.testing.assert_allclose(found, expected, atol=0.501)


def test_one_prompt_for_every_pair_takes_the_place_of_their_own(workspace):
    """What is said at fusing time then owes nothing to a pair's labelled boxes."""
    with Path("params.yaml").open("a") as stream:
        stream.write("fuse: {prompt: a street; at night}\n")
    layout.prompts(SET).unlink()
    fuse_variant.run(SET, "ours")
    fuser = inference.load(layout.model("ours"), "cpu")
    expected = fuser.fuse_luminance(*sources("a"), fuser.encode("a street; at night").vectors_TD)
    np.testing.assert_array_equal(read_gray(layout.fused(SET, "ours") / "a.png"), expected)
    fuse_variant.run(SET, "mute")
    expected = inference.load(layout.model("mute"), "cpu").fuse_luminance(*sources("a"))
    np.testing.assert_array_equal(read_gray(layout.fused(SET, "mute") / "a.png"), expected)


def test_a_variant_trained_without_text_gets_none(workspace):
    layout.prompts(SET).unlink()
    fuse_variant.run(SET, "mute")
    expected = inference.load(layout.model("mute"), "cpu").fuse_luminance(*sources("a"))
    np.testing.assert_array_equal(read_gray(layout.fused(SET, "mute") / "a.png"), expected)


def test_vectors_of_another_encoder_are_refused(workspace):
    cache.write(layout.embeddings("hash"), "hash/other", encoders.Hash().encode(["at night"]))
    with pytest.raises(InputError, match="made by hash/other, the network was trained with hash/shake256/512"):
        fuse_variant.run(SET, "ours")
    assert not layout.fused(SET, "ours").exists()


def test_a_pair_without_a_prompt_is_named(workspace):
    write_prompts(layout.prompts(SET), [replace(workspace[0], kind="coarse"), *workspace[1:]])
    with pytest.raises(InputError, match=r"no prompt for roadscene/a: run t2p prompt"):
        fuse_variant.run(SET, "ours")
    assert not layout.fused(SET, "ours").exists()


def test_a_variant_that_was_not_trained(workspace):
    with pytest.raises(InputError, match="no checkpoint at models/theirs"):
        fuse_variant.run(SET, "theirs")
