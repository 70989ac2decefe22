"""Crops keep infrared, visible and boxes on one another; colours come back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.image.colour import quantise, restore_colour
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.image.views import View, random_view
from text2pixels.network.network import lead
from text2pixels.prompts.phrases import noun
from text2pixels.training import pairs
from text2pixels.training.guidance import prompt
from text2pixels.training.objective import colour
from text2pixels.training.pairs import TrainingPair, batches, mirrored, usual_lead, vocabulary


@pytest.fixture
def item(tmp_path):
    infrared = np.zeros((60, 90), np.uint8)
    infrared[20:40, 30:60] = 255
    write_png(tmp_path / "ir.png", infrared)
    write_png(tmp_path / "vis.png", np.stack([infrared] * 3, axis=2))
    pair = Pair("d/a", "d", "a", "train", "ir.png", "vis.png", 90, 60, "", "", boxes=(Box("Car", 30, 20, 30, 20),))
    return TrainingPair(tmp_path, pair, ("a car on the left", "two people on the right", "at night"))


@pytest.mark.parametrize("seed", range(20))
def test_both_modalities_and_the_boxes_move_alike(item, seed):
    rng = np.random.default_rng(seed)
    (batch,) = batches([[(item, random_view(90, 60, 64 if seed % 2 else 32, rng))]])
    torch.testing.assert_close(batch.infrared_B1HW, batch.visible_B1HW)
    bright = batch.infrared_B1HW[0, 0] > 0.5
    if batch.boxes[0]:
        (box,) = batch.boxes[0]
        columns, rows = bright.any(0).nonzero(), bright.any(1).nonzero()
        assert abs(box.x - columns.min()) <= 1
        assert abs(box.y - rows.min()) <= 1
        assert abs(box.x + box.w - 1 - columns.max()) <= 1
        assert abs(box.y + box.h - 1 - rows.max()) <= 1


def test_an_unscaled_crop_has_the_pixels_of_the_file(item, tmp_path):
    rng = np.random.default_rng(0)
    write_png(tmp_path / "ir.png", rng.integers(0, 256, (60, 90), dtype=np.uint8))
    (batch,) = batches([[(item, View(5, 7, 32, 32))]])
    expected = read_gray(tmp_path / "ir.png")[7:39, 5:37]
    assert np.array_equal((batch.infrared_B1HW[0, 0] * 255).round().numpy(), expected)


def test_the_usual_lead_is_the_mean_over_whole_pairs_and_of_many_over_some(item, tmp_path, monkeypatch):
    dark = np.zeros((60, 90, 3), np.uint8)
    dark[20:40, 30:60] = 51
    write_png(tmp_path / "dark.png", dark)
    other = replace(item, pair=replace(item.pair, visible="dark.png"))
    images = [
        torch.from_numpy(read_gray(tmp_path / name) / np.float32(255))[None, None] for name in ("ir.png", "dark.png")
    ]
    expected = lead(*images).item()
    assert usual_lead([item]) == pytest.approx(0, abs=1e-6)
    assert usual_lead([item, other]) == pytest.approx(expected / 2, rel=1e-5)
    monkeypatch.setattr(pairs, "_ENOUGH", 2)
    assert usual_lead([item, item, item, other]) == pytest.approx(expected / 2, rel=1e-5)


def test_in_a_mirrored_crop_left_and_right_change_places():
    phrases = ("a car on the left", "two people on the right", "at night")
    assert [mirrored(phrase) for phrase in phrases] == ["a car on the right", "two people on the left", "at night"]


def test_colour_is_restored_as_for_the_benchmark(tmp_path):
    rng = np.random.default_rng(0)
    visible = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    write_png(tmp_path / "vis.png", visible)
    write_png(tmp_path / "ir.png", rng.integers(0, 256, (32, 32), dtype=np.uint8))
    pair = Pair("d/a", "d", "a", "train", "ir.png", "vis.png", 32, 32, "", "")
    (batch,) = batches([[(TrainingPair(tmp_path, pair, ()), View(0, 0, 32, 32))]])
    fused = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    ours = colour(torch.from_numpy(fused)[None, None] / 255, batch.chroma_B3HW, batch.visible_B1HW)
    expected = restore_colour(fused, read_rgb(tmp_path / "vis.png"))
    assert np.abs(quantise(ours[0].permute(1, 2, 0).numpy()).astype(int) - expected).max() <= 1


def test_colour_passes_the_gradient_to_the_luminance():
    fused = torch.rand(1, 1, 4, 4, requires_grad=True)
    colour(fused, torch.zeros(1, 3, 4, 4), torch.rand(1, 1, 4, 4)).sum().backward()
    assert torch.equal(fused.grad, torch.full_like(fused, 3.0))


def test_whatever_a_step_shows_is_of_the_vocabulary(item):
    """It tells one run from another, so nothing that is shown may be outside."""
    known = vocabulary([item])
    assert {"a car on the left", "a car on the right", "two people on the left", "at night"} <= known
    classes = [noun("car"), noun("person")]
    items = [item, TrainingPair(item.folder, replace(item.pair, boxes=(Box("person", 1, 1, 9, 9),)), item.phrases)]
    for seed in range(300):
        shown = prompt(item.phrases, classes, lambda phrase: True, np.random.default_rng(seed))
        assert {each.phrase for each in shown} <= vocabulary(items)
