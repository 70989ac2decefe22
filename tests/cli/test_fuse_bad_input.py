"""`t2p fuse` with a checkpoint, a prompt or a machine that will not do: one line, and nothing written."""

import pickle

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.config import Embed, Network
from text2pixels.encoders.catalogue import build
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork

PAIR = ("ir/a.png", "vi/a.png", "-o", "out/f.png", "--model", "model")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A pair and a trained network in the working directory."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0)
    for name in "ab":
        write_png(tmp_path / f"ir/{name}.png", noise.integers(0, 256, (24, 33), dtype=np.uint8))
        write_png(tmp_path / f"vi/{name}.png", noise.integers(0, 256, (24, 33, 3), dtype=np.uint8))
    train(tmp_path / "model")
    return tmp_path


def train(folder, **switches):
    metadata = {"encoder": "hash", "encoder_identity": build("hash", Embed()).identity, "prompts": "fine"}
    checkpoint.save(folder, FusionNetwork(Network(channels=4, heads=2, codes=8, **switches)), metadata)


def contents(place):
    return {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")}


def fails(place, message, *arguments):
    """Hold a command to one line of error that matches, and to writing nothing."""
    before = contents(place)
    result = CliRunner().invoke(app, ["fuse", *arguments])
    with pytest.raises(InputError, match=message) as error:
        raise result.exception
    assert "\n" not in str(error.value)
    assert contents(place) == before


def test_a_truncated_checkpoint(place):
    weights = place / "model" / checkpoint.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-100])
    fails(place, "not the file that network.json describes: cut short", *PAIR)


def test_a_checkpoint_of_another_configuration(place):
    train(place / "other", codebook=False)
    (place / "model" / checkpoint.WEIGHTS).write_bytes((place / "other" / checkpoint.WEIGHTS).read_bytes())
    fails(place, "not the file that network.json describes.*another trained network", *PAIR)


@pytest.mark.parametrize(
    ("name", "message"), [("model/weights.safetensors", "not the file that"), ("m.pt", "are not read")]
)
def test_a_malicious_checkpoint_runs_nothing(place, name, message):
    class Bomb:
        def __reduce__(self):
            return (open, (str(place / "exploded"), "w"))

    (place / name).write_bytes(pickle.dumps(Bomb()))
    fails(place, message, *PAIR[:-1], "m.pt" if name == "m.pt" else "model")


def test_unequal_sizes(place):
    write_png(place / "vi/a.png", np.zeros((24, 34, 3), np.uint8))
    fails(place, "33x24 and the visible 34x24", *PAIR)


def test_a_prompt_too_long(place):
    fails(place, "has 301 characters, at most 300", *PAIR, "--prompt", "a car; " + "x" * 301)


@pytest.fixture
def no_memory(monkeypatch):
    """Every pass asks for 4 PiB, which the allocator really refuses."""
    monkeypatch.setattr(FusionNetwork, "look", lambda *_: torch.empty(2**50))


def test_out_of_memory_on_a_pair(place, no_memory):
    fails(place, "too little memory to fuse 1 x 33x24 pixels on cpu", *PAIR, "--device", "cpu")


def test_out_of_memory_on_folders(place, no_memory):
    arguments = ("ir", "vi", "-o", "out", "--model", "model", "--device", "cpu")
    fails(place, "none of the 2 pairs could be fused.*too little memory", *arguments)
