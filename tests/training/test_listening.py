"""What a prompt does is learned at the end, by its own parts; the picture without text stays what it was."""

from dataclasses import replace

import pytest
import torch
from support import tiny_run

from text2pixels.config import Losses, Network, Train
from text2pixels.detection.yolo import Detector
from text2pixels.network.network import FusionNetwork
from text2pixels.training import listening
from text2pixels.training.loop import Data
from text2pixels.training.objective import Objective

SETTINGS = Train(batch=4, crop=32, text_steps=160, learning_rate=1e-2)


def listened(folder, network=tiny_run.NETWORK, **changes):
    """A network that listened to the tiny pairs, the same before it did, and the record."""
    items = [replace(item, phrases=("a car",)) for item in tiny_run.make_pairs(folder / "pairs", labelled=4)]
    torch.manual_seed(0)
    fusion = FusionNetwork(network).eval()
    before = {name: value.clone() for name, value in fusion.state_dict().items()}
    objective = Objective(fusion, Detector(["Car"]), Losses(), bf16=False)
    rows = listening.listen(
        *(fusion, objective, Data(items, [], tiny_run.tokens), replace(SETTINGS, **changes)),
        seed=0,
        device=torch.device("cpu"),
        cache=folder / "cache",
        fingerprint="f",
        description="text",
    )
    return fusion, before, rows


def test_the_named_objects_stand_out_and_nothing_else_moves(tmp_path):
    fusion, before, rows = listened(tmp_path)
    assert {row.name for row in rows} == {"guidance", "grounding"}
    assert {row.epoch for row in rows} == {100, 160}
    grounding = [row.value for row in rows if row.name == "grounding"]
    assert grounding[-1] < grounding[0]
    moved = {name.split(".")[0] for name, value in fusion.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"regard", "cross_attention", "hear"}
    assert all(parameter.requires_grad for parameter in fusion.parameters())

    item = tiny_run.make_pairs(tmp_path / "pairs", labelled=4)[0]
    batch = next(listening.batches([[(item, listening.View(0, 0, 56, 44))]], tiny_run.tokens))
    box = item.pair.boxes[0]
    with torch.no_grad():
        own, other = (
            fusion(batch.infrared_B1HW, batch.visible_B1HW, *tiny_run.tokens([[phrase]]))
            for phrase in ("a car", "a dog")
        )
    inside = (0, 0, slice(int(box.y), int(box.y + box.h)), slice(int(box.x), int(box.x + box.w)))
    changes = [(fused.fused_B1HW - fused.silent_B1HW).abs()[inside].mean() for fused in (own, other)]
    assert changes[0] > 1.2 * changes[1]


def test_a_run_that_was_killed_ends_as_it_would_have(tmp_path, monkeypatch):
    whole, _, expected = listened(tmp_path / "whole", text_steps=220)

    real, calls = listening.resumable.save, []

    def deadly(*arguments):
        real(*arguments)
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(listening.resumable, "save", deadly)
    with pytest.raises(KeyboardInterrupt):
        listened(tmp_path / "killed", text_steps=220)
    monkeypatch.setattr(listening.resumable, "save", real)
    resumed, _, rows = listened(tmp_path / "killed", text_steps=220)
    assert rows == expected
    ours, theirs = whole.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_network_that_reads_no_text_has_nothing_to_learn(tmp_path):
    deaf = Network(channels=8, heads=2, codes=8, text_dim=tiny_run.DIMENSION, cross_attention=False)
    fusion, before, rows = listened(tmp_path, network=deaf)
    assert rows == []
    assert all(torch.equal(value, before[name]) for name, value in fusion.state_dict().items())
