"""What a prompt does is learned at the end, by its own parts; the picture without text stays what it was."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console
from support import tiny_run

from text2pixels import progress
from text2pixels.config import Losses, Network, Train
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.views import View
from text2pixels.network.network import FusionNetwork
from text2pixels.training import text
from text2pixels.training.pairs import batches

SETTINGS = Train(batch=4, crop=32, text_steps=200, text_rate=5e-3)


def pairs_of_two_kinds(folder):
    """Pairs with a bright square in the infrared: cars in the odd ones, and darker, smaller people in the even."""
    items = []
    for number, item in enumerate(tiny_run.make_pairs(folder, count=6, labelled=6)):
        box = item.pair.boxes[0]
        boxes = (box if number % 2 else Box("Person", box.x, box.y, box.w, box.h),)
        items.append(replace(item, pair=replace(item.pair, boxes=boxes), phrases=("a car on the left",)))
    return items


def learned(folder, network=tiny_run.NETWORK, **changes):
    """A network that learned text from the tiny pairs, the same before it did, and the record."""
    items = pairs_of_two_kinds(folder / "pairs")
    torch.manual_seed(0)
    fusion = FusionNetwork(network).eval()
    before = {name: value.clone() for name, value in fusion.state_dict().items()}
    rows = text.learn_text(
        *(fusion, items, items[:1], tiny_run.tokens, Losses(), replace(SETTINGS, **changes)),
        seed=0,
        device=torch.device("cpu"),
        cache=folder / "cache",
        fingerprint="f",
        description="text",
    )
    return fusion, before, rows


def test_what_reads_the_text_learns_and_nothing_else_moves(tmp_path):
    fusion, before, rows = learned(tmp_path)
    assert {row.name for row in rows} == {"guidance", "grounding", "recognition", "validation_grounding"}
    assert {row.epoch for row in rows} == {100, 200}
    for name in ("grounding", "recognition"):
        values = [row.value for row in rows if row.name == name]
        assert values[-1] < values[0]
    moved = {name.split(".")[0] for name, value in fusion.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"recogniser", "cross_attention", "hear", "lift"}
    assert all(parameter.requires_grad for parameter in fusion.parameters())


def test_a_log_tells_how_far_the_reading_of_text_is(tmp_path, monkeypatch):
    shown = Console(stderr=True, record=True)
    monkeypatch.setattr(progress, "console", shown)
    learned(tmp_path)
    lines = [line for line in shown.export_text().splitlines() if line.startswith("text: step")]
    assert [line.split(", ")[0] for line in lines] == ["text: step 100 of 200", "text: step 200 of 200"]
    assert "grounding 0." in lines[-1]
    assert lines[-1].endswith(", 0 s left")


def test_phrases_of_objects_are_attended_to_on_objects_and_strangers_nowhere(tmp_path):
    fusion, _, _ = learned(tmp_path)
    item = pairs_of_two_kinds(tmp_path / "pairs")[1]
    (batch,) = batches([[(item, View(0, 0, 56, 40))]])
    box = item.pair.boxes[0]
    inside = torch.zeros(5, 7, dtype=torch.bool)
    inside[int(box.y + 7) // 8 : int(box.y + box.h) // 8, int(box.x + 7) // 8 : int(box.x + box.w) // 8] = True
    with torch.no_grad():
        own, stranger = (
            fusion(batch.infrared_B1HW, batch.visible_B1HW, *tiny_run.tokens([[phrase]])).attention[0, 0]
            for phrase in ("a car", "a dog")
        )
    assert own[inside].mean() > 2 * own[~inside].mean()
    assert stranger.mean() < own.mean()


def test_of_what_was_learned_of_details_a_part_is_kept(tmp_path):
    fusion, _, _ = learned(tmp_path, text_steps=100)
    saved = torch.load(tmp_path / "cache" / text.resumable.FILE)["parts"]["network"]
    for name, kept in fusion.state_dict().items():
        expected = saved[name].clone()
        if name in ("lift.2.weight", "lift.2.bias"):
            expected[:4] *= 0.4
        assert torch.equal(kept, expected), name


def test_a_network_that_goes_on_learning_is_not_made_quieter_twice(tmp_path):
    fusion, before, _ = learned(tmp_path, text_steps=1, text_rate=1e-9, start="before")
    torch.testing.assert_close(fusion.lift[2].weight, before["lift.2.weight"], rtol=1e-4, atol=1e-6)


def test_a_run_that_was_killed_ends_as_it_would_have(tmp_path, monkeypatch):
    whole, _, expected = learned(tmp_path / "whole", text_steps=150)
    real = text.resumable.save

    def deadly(*arguments, **progress):
        real(*arguments, **progress)
        raise KeyboardInterrupt

    monkeypatch.setattr(text.resumable, "save", deadly)
    with pytest.raises(KeyboardInterrupt):
        learned(tmp_path / "killed", text_steps=150)
    monkeypatch.setattr(text.resumable, "save", real)
    resumed, _, rows = learned(tmp_path / "killed", text_steps=150)
    assert rows == expected
    ours, theirs = whole.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("why", ["no part that reads", "no steps", "no boxes", "coarse prompts"])
def test_where_there_is_nothing_to_learn_nothing_is_done(tmp_path, monkeypatch, why):
    network, changes = tiny_run.NETWORK, {}
    if why == "no part that reads":
        network = Network(channels=8, heads=2, codes=8, text_dim=tiny_run.DIMENSION, cross_attention=False)
    elif why == "no steps":
        changes = {"text_steps": 0}
    elif why == "coarse prompts":
        changes = {"prompts": "coarse"}
    else:
        real = tiny_run.make_pairs
        unlabelled = lambda folder, **_: [replace(i, pair=replace(i.pair, labelled=False)) for i in real(folder)]  # noqa: E731
        monkeypatch.setitem(globals(), "pairs_of_two_kinds", unlabelled)
    fusion, before, rows = learned(tmp_path, network, **changes)
    assert rows == []
    moved = {name for name, value in fusion.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == (set() if why == "no part that reads" else {"lift.0.weight", "lift.2.weight"})
    sources = torch.rand(2, 1, 1, 32, 40)
    told = fusion(*sources, *tiny_run.tokens([["a car"]]))
    assert torch.equal(told.fused_B1HW, told.plain_B1HW)  # never learned, a prompt does nothing
    fusion, before, _ = learned(tmp_path / "again", network, **changes, start="before")
    assert all(torch.equal(value, before[name]) for name, value in fusion.state_dict().items())


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    broken = lambda *_: torch.tensor(torch.nan, requires_grad=True)  # noqa: E731
    monkeypatch.setattr(text, "guidance_loss", broken)
    with pytest.raises(InputError, match=r"losses of the text became nan in step 1; lower train.text_rate"):
        learned(tmp_path)
