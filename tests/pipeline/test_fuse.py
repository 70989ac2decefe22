"""The stages `fuse` and `profile` on a tiny registered data set."""

import json

import numpy as np
import pytest

from text2pixels import layout
from text2pixels.config import Embed, Network
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.encoders.catalogue import build
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.methods.catalogue import BASELINES
from text2pixels.methods.door import fuse_luminance
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.pipeline import fuse, profile, profile_variant
from text2pixels.pipeline.fused import Fused, write_fused

PARAMS = """
profile: test
seed: 0
datasets: {tiny: {path: null}}
encoders: [hash]
baselines: [average]
variants: {ours: {}}
measure: {width: 48, height: 32, repeats: 2}
"""


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """Four pairs: unlabelled and labelled ones of `train`, and one each of `val` and `test`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    folder, noise, pairs = layout.processed("tiny"), np.random.default_rng(0), []
    for name, split, labelled in (
        ("a", "train", False),
        ("b", "train", True),
        ("c", "val", False),
        ("d", "test", False),
    ):
        write_png(folder / f"infrared/{name}.png", noise.integers(0, 256, (20, 30), dtype=np.uint8))
        write_png(folder / f"visible/{name}.png", noise.integers(0, 256, (20, 30, 3), dtype=np.uint8))
        paths = f"infrared/{name}.png", f"visible/{name}.png"
        pairs.append(Pair(f"tiny/{name}", "tiny", name, split, *paths, 30, 20, "", "", labelled=labelled))
    write_manifest(folder / "manifest.parquet", pairs)
    return tmp_path


def files_of(method):
    folder = layout.fused("tiny", method)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_fuses_the_test_split_and_every_labelled_pair(registered):
    fuse.run("tiny", "infrared")
    assert files_of("infrared") == ["b.png", "d.png", "stretched/d.png"]
    for name in ("b", "d"):
        fused = read_gray(layout.fused("tiny", "infrared") / f"{name}.png")
        np.testing.assert_array_equal(fused, read_gray(layout.processed("tiny") / f"infrared/{name}.png"))


def test_test_pairs_come_stretched_before_rounding_too(registered):
    fuse.run("tiny", "average")
    infrared, visible = (layout.processed("tiny") / f"{name}/d.png" for name in ("infrared", "visible"))
    method = BASELINES["average"].load(None)
    stretched = fuse_luminance(method, read_gray(infrared), read_rgb(visible), convention="stretched")
    assert (stretched.min(), stretched.max()) == (0, 255)
    np.testing.assert_array_equal(read_gray(layout.fused_stretched("tiny", "average") / "d.png"), stretched)


def test_a_second_run_replaces_the_folder(registered):
    write_png(layout.fused("tiny", "max") / "stale.png", np.zeros((4, 4), np.uint8))
    fuse.run("tiny", "max")
    assert files_of("max") == ["b.png", "d.png", "stretched/d.png"]


def test_a_failure_leaves_nothing_half_written(registered):
    fuse.run("tiny", "average")
    before = files_of("average")

    def fail_on_the_second(infrared, visible, pair):
        if pair.name == "d":
            raise RuntimeError("power cut")
        return Fused(infrared, infrared)

    with pytest.raises(RuntimeError, match="power cut"):
        write_fused("tiny", "average", fail_on_the_second)
    assert files_of("average") == before
    with pytest.raises(RuntimeError, match="power cut"):
        write_fused("tiny", "new", fail_on_the_second)
    assert [path.name for path in layout.fused("tiny", "new").parent.iterdir()] == ["average"]


def test_another_size_is_a_defect(registered):
    with pytest.raises(AssertionError, match="came back as"):
        write_fused("tiny", "broken", lambda infrared, visible, pair: Fused(infrared, infrared[1:]))


def test_users_mistakes(registered):
    with pytest.raises(InputError, match="did you mean average"):
        fuse.run("tiny", "averge")
    with pytest.raises(InputError, match="no manifest"):
        fuse.run("unknown", "average")
    with pytest.raises(InputError, match=r"weights missing.*fuse\.weights"):
        fuse.run("tiny", "tardal")
    write_manifest(layout.processed("tiny") / "manifest.parquet", [])
    with pytest.raises(InputError, match="nothing to fuse"):
        fuse.run("tiny", "average")


def test_profile_of_a_baseline(registered):
    profile.run("laplacian")
    cost = json.loads(layout.cost("laplacian").read_text())
    assert cost["method"] == "laplacian"
    assert (cost["width"], cost["height"], cost["repeats"]) == (48, 32, 2)
    assert cost["parameters"] == 0
    assert cost["macs"] is None
    assert cost["seconds"] > 0
    with pytest.raises(InputError, match="did you mean laplacian"):
        profile.run("laplacan")


def test_profile_of_a_trained_network(registered):
    network = FusionNetwork(Network(channels=4, heads=2, codes=8))
    identity = build("hash", Embed()).identity
    metadata = {"encoder": "hash", "encoder_identity": identity, "prompts": "fine"}
    checkpoint.save(layout.model("ours"), network, metadata)
    profile_variant.run("ours")
    cost = json.loads(layout.cost("ours").read_text())
    assert cost["parameters"] == sum(tensor.numel() for tensor in network.state_dict().values())
    assert cost["macs"] > 48 * 32
    assert cost["peak_bytes"] is None or cost["peak_bytes"] >= 0


def test_multiply_accumulates_are_those_of_the_convolutions(registered):
    """One 3x3 convolution from 2 to 5 channels: 2 * 5 * 9 a pixel."""
    import torch

    from text2pixels.config import Profile

    layer = torch.nn.Conv2d(2, 5, 3, padding=1)

    def run(infrared, visible):
        with torch.inference_mode():
            layer(torch.zeros(1, 2, *infrared.shape))
        return infrared

    cost = profile.measure("one", run, 95, torch.device("cpu"), Profile(width=40, height=30, repeats=1))
    assert cost["macs"] == 2 * 5 * 9 * 40 * 30
