"""The loop that trains other authors' networks again: resumable, reproducible, and one line where it cannot go on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support import tiny_run
from text2pixels.errors import InputError
from text2pixels.training import state as resumable
from text2pixels.training.rivals import cddfuse, ddcgan, run
from text2pixels.training.rivals.patches import PatchReader
from text2pixels.training.rivals.recipe import Budget, Recipe

BUDGET = Budget(steps=4, batch=2, patch=20)
RECIPES = {"ddcgan": ddcgan.RECIPE, "cddfuse": cddfuse.RECIPE}


class Mean:
    """A weighted mean of the two images, towards the brighter one."""

    def __init__(self, budget, device):
        self.network = torch.nn.Linear(2, 1, device=device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=0.1)

    def parts(self):
        return {"network": self.network, "optimiser": self.optimiser}

    def weights(self):
        return self.network.state_dict()

    def step(self, patches, number):
        pair = torch.cat([patches.infrared_B1HW, patches.luminance_B1HW], dim=1)
        loss = (self.network(pair.movedim(1, -1)).squeeze(-1) - pair.amax(dim=1)).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss.item()}


TINY = Recipe(Budget(steps=100, batch=8, patch=64), Mean, pairs="nothing")


@pytest.fixture
def pairs(tmp_path):
    return [(item.folder, item.pair) for item in tiny_run.make_pairs(tmp_path)]


def retrain(recipe, pairs, cache, budget=BUDGET, seed=0, fingerprint="f"):
    device = torch.device("cpu")
    return run.retrain(recipe, budget, pairs, seed=seed, device=device, cache=cache, fingerprint=fingerprint)


def interrupt(monkeypatch, after):
    """Kill the run in the saving of its state number ``after`` + 1."""
    whole, count = resumable.save, 0

    def save(*arguments, **progress):
        nonlocal count
        count += 1
        if count > after:
            raise KeyboardInterrupt
        whole(*arguments, **progress)

    monkeypatch.setattr(resumable, "save", save)


@pytest.mark.parametrize("recipe", [TINY, *RECIPES.values()], ids=["mean", *RECIPES])
def test_a_run_that_was_killed_ends_as_it_would_have(recipe, pairs, tmp_path, monkeypatch):
    budget = Budget(steps=3, batch=1, patch=16)
    expected = retrain(recipe, pairs, tmp_path / "whole", budget)
    with monkeypatch.context() as patched:
        interrupt(patched, after=2)
        with pytest.raises(KeyboardInterrupt):
            retrain(recipe, pairs, tmp_path / "killed", budget)
    found = retrain(recipe, pairs, tmp_path / "killed", budget)
    assert found.weights.keys() == expected.weights.keys()
    for name, value in expected.weights.items():
        assert torch.equal(found.weights[name], value), name
    assert found.history == expected.history


def test_a_finished_run_is_not_run_again(pairs, tmp_path, monkeypatch):
    first = retrain(TINY, pairs, tmp_path / "cache")
    monkeypatch.setattr(Mean, "step", None)  # a step would be an error
    assert retrain(TINY, pairs, tmp_path / "cache").history == first.history


def test_the_state_of_another_run_is_refused(pairs, tmp_path):
    retrain(TINY, pairs, tmp_path / "cache")
    with pytest.raises(InputError, match="of a run with other parameters"):
        retrain(TINY, pairs, tmp_path / "cache", fingerprint="g")


def test_the_history_has_a_point_for_each_of_at_most_fifty_sections(pairs, tmp_path):
    outcome = retrain(TINY, pairs, tmp_path / "cache", replace(BUDGET, steps=103))
    assert [row.epoch for row in outcome.history] == list(range(1, 36))  # 34 of three steps, one of the last
    assert {(row.level, row.name) for row in outcome.history} == {("retraining", "loss")}
    assert outcome.history[-1].value < outcome.history[0].value


def test_a_loss_that_is_no_longer_finite_is_one_line_that_names_the_step(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(Mean, "step", lambda self, patches, number: {"loss": float("nan") if number == 2 else 1.0})
    with pytest.raises(InputError, match="loss became nan in step 3 of 4") as error:
        retrain(TINY, pairs, tmp_path / "cache")
    assert "\n" not in str(error.value)


def test_no_pairs_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no training pairs"):
        retrain(TINY, [], tmp_path / "cache")


def draw(pairs, recipe=TINY, budget=BUDGET, first=0, seed=0):
    return list(PatchReader(pairs, recipe, budget, seed).batches(first))


def test_patches_are_cut_alike_from_both_images_and_from_what_is_computed_of_them(pairs):
    recipe = replace(TINY, third=lambda infrared, visible: infrared.astype(np.float32) / 255, mirrored=True)
    for patches in draw(pairs, recipe):
        assert patches.infrared_B1HW.shape == patches.luminance_B1HW.shape == (2, 1, 20, 20)
        assert patches.visible_B3HW.shape == (2, 3, 20, 20)
        torch.testing.assert_close(patches.third_B1HW, patches.infrared_B1HW)
        red, green, blue = patches.visible_B3HW.unbind(1)
        torch.testing.assert_close(patches.luminance_B1HW[:, 0], 0.299 * red + 0.587 * green + 0.114 * blue)


def test_patches_depend_on_seed_and_step_alone(pairs):
    every, rest, other = draw(pairs), draw(pairs, first=2), draw(pairs, seed=1)
    assert all(torch.equal(a.visible_B3HW, b.visible_B3HW) for a, b in zip(every[2:], rest, strict=True))
    assert not torch.equal(every[0].visible_B3HW, other[0].visible_B3HW)


def test_every_pair_is_seen_before_any_is_seen_again(pairs):
    reader = PatchReader(pairs, TINY, BUDGET, 0)
    for turn in (0, 2):  # two steps of two see the four pairs
        assert {reader._index(step, place) for step in (turn, turn + 1) for place in (0, 1)} == {0, 1, 2, 3}


def test_flat_patches_are_drawn_again_where_the_recipe_asks_for_contrast(pairs):
    # The infrared is flat but for a square.
    flat, rich = (
        sum((patches.infrared_B1HW[place].std() == 0).item() for patches in drawn for place in (0, 1))
        for drawn in (
            draw(pairs, TINY, replace(BUDGET, steps=20, patch=16)),
            draw(pairs, replace(TINY, minimum_contrast=0.1), replace(BUDGET, steps=20, patch=16)),
        )
    )
    assert flat > 0
    assert rich == 0


def test_a_pair_that_is_smaller_than_a_patch_is_enlarged(pairs):
    (patches, *_) = draw(pairs, budget=replace(BUDGET, patch=100))
    assert patches.infrared_B1HW.shape == (2, 1, 100, 100)
    assert patches.infrared_B1HW.std() > 0
