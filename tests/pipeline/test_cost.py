"""The stage `cost`: what is counted, and of what."""

import json
from dataclasses import replace

import pytest
import torch
from support.tiny_model import write_model

from text2pixels import layout
from text2pixels.config import Cost, Network
from text2pixels.errors import InputError
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.methods.networks import authors
from text2pixels.pipeline import cost

PARAMS = """
profile: test
seed: 0
datasets: {tiny: {path: null}}
encoders: [hash]
methods: {laplacian: {}, ours: {}}
cost: {width: 48, height: 32, repeats: 2}
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)


def test_of_a_filter():
    layout.model("laplacian").mkdir(parents=True)
    write_card(layout.model("laplacian"), entry_of("laplacian").card, "laplacian")
    cost.run("laplacian")
    found = json.loads(layout.cost("laplacian").read_text())
    assert found["method"] == "laplacian"
    assert (found["width"], found["height"], found["repeats"]) == (48, 32, 2)
    assert found["parameters"] == 0
    assert found["macs"] is None
    assert found["seconds"] > 0
    with pytest.raises(InputError, match="no method at models/laplacan"):
        cost.run("laplacan")


def test_of_a_network_trained_here():
    network = write_model("ours", {"tiny/a": ["a person"]}, Network(channels=4, heads=2, codes=8))
    cost.run("ours")
    found = json.loads(layout.cost("ours").read_text())
    assert found["parameters"] == sum(tensor.numel() for tensor in network.state_dict().values())
    assert found["macs"] > 48 * 32
    assert found["peak_bytes"] is None or found["peak_bytes"] >= 0


class Layer(torch.nn.Module):
    """One 3x3 convolution from 2 to 1 channels."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, infrared_B1HW, visible_B1HW):
        return self.layer(torch.cat([infrared_B1HW, visible_B1HW], dim=1))


def test_multiply_accumulates_are_those_of_the_convolutions():
    """2 * 9 a pixel."""
    card = replace(entry_of("tardal").card, name="one", parameters=19)
    method = authors.ready(card, Layer(), "cpu")
    found = cost.measure(method, torch.device("cpu"), Cost(width=40, height=30, repeats=1))
    assert found["macs"] == 2 * 9 * 40 * 30
    assert (found["method"], found["parameters"]) == ("one", 19)
