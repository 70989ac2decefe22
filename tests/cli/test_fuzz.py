"""Damaged files of every kind that people give: an answer in one line or a result, never a defect.

What is damaged is drawn from a fixed seed, so a failure can be run again.
"""

import json
import time

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork

SECONDS = 20  # for one command, on a machine that does other things


def damaged(content, seed):
    """Cut the bytes short, flip bits of them, or both."""
    rng = np.random.default_rng(seed)
    broken = bytearray(content)
    if seed % 3 != 0:
        for _ in range(int(rng.integers(1, 12))):
            broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
    if seed % 3 != 1:
        del broken[int(rng.integers(len(broken))) :]
    return bytes(broken)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write_png(tmp_path / "ir/a.png", rng.integers(0, 256, (24, 32), dtype=np.uint8))
    write_png(tmp_path / "vi/a.png", rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    return tmp_path


def listing(place):
    """Return what lies there, but for the lock of a pipeline that is at work."""
    found = (path.relative_to(place) for path in place.rglob("*"))
    return sorted(str(path) for path in found if path.parts[0] != ".cache")


def survives(place, command):
    """Hold a command to a result, a failure that it reports, or one line; and then to writing nothing."""
    before, start = listing(place), time.perf_counter()
    result = CliRunner().invoke(app, command.split())
    assert time.perf_counter() - start < SECONDS
    if isinstance(result.exception, Exception):
        assert isinstance(result.exception, InputError), result.exception
        assert "\n" not in str(result.exception)
    if result.exit_code:
        assert listing(place) == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp", ".pgm"])
def test_images(place, suffix, seed):
    shape = (24, 32) if suffix == ".pgm" else (24, 32, 3)
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    content = cv2.imencode(suffix, image)[1].tobytes()
    (place / f"broken{suffix}").write_bytes(damaged(content, seed))
    for command in ("fuse ir/a.png broken{} -o o.png --method max", "prompt ir/a.png broken{}"):
        survives(place, command.format(suffix))


@pytest.mark.parametrize("seed", range(12))
def test_prompts(place, seed):
    text = "name,phrases,kind\na,a person; a car; at night,fine\na,outdoors,coarse\n"
    (place / "p.csv").write_bytes(damaged(text.encode(), seed))
    survives(place, "fuse ir vi -o o --prompts p.csv")


@pytest.mark.parametrize("seed", range(24))
def test_params(place, seed):
    text = (
        "profile: a\nseed: 0\ndatasets: {simulator: {}}\nencoders: [hash]\nmethods: {average: {}}\ntrain: {epochs: 2}\n"
    )
    (place / "params.yaml").write_bytes(damaged(text.encode(), seed))
    survives(place, "stage check")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["weights.safetensors", "network.json"])
def test_checkpoints(place, name, seed):
    metadata = {"encoder": "hash", "encoder_identity": "hash/shake256/512", "prompts": "fine"}
    checkpoint.save(place / "model", FusionNetwork(Network(channels=4, heads=2, codes=8)), metadata)
    path = place / "model" / name
    path.write_bytes(damaged(path.read_bytes(), seed))
    survives(place, "fuse ir/a.png vi/a.png -o o.png --model model --device cpu")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"1e999", b"[" * 5000, b'{"of": 1}', b'{"of": "max", "files": 3}', b"\xff\xfe"],
)
@pytest.mark.parametrize("name", ["card.json", "network.json"])
def test_descriptions_that_are_none(place, name, content):
    (place / "model").mkdir()
    save_file({"a": np.zeros(3, np.float32)}, place / "model/weights.safetensors")
    (place / "model" / name).write_bytes(content)
    survives(place, "fuse ir/a.png vi/a.png -o o.png --model model --device cpu")


def test_a_description_whose_every_value_is_another(place):
    metadata = {"encoder": "hash", "encoder_identity": "hash/shake256/512", "prompts": "fine"}
    checkpoint.save(place / "model", FusionNetwork(Network(channels=4, heads=2, codes=8)), metadata)
    path = place / "model/network.json"
    whole = json.loads(path.read_text())
    for key in whole:
        for value in (None, -1, "x", [], {}, 1e308):
            path.write_text(json.dumps(whole | {key: value}))
            survives(place, "fuse ir/a.png vi/a.png -o o.png --model model --device cpu")
            (place / "o.png").unlink(missing_ok=True)
