"""DeFusion's masks and losses, against slow transcriptions; a few steps of its training."""

import numpy as np
import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.methods.networks.defusion import DeFusion, Parts
from text2pixels.training.rivals import defusion
from text2pixels.training.rivals.recipe import Budget, Patches


def slow_losses(parts, clean, masks, step):
    """ECCV 2022, equations (2) and (3), pixel by pixel, with the constants of the authors' published code."""
    outside = 0.0
    if step >= 3000:
        outside = 0.15 * (min(step, 7000) / 7000) ** 2
    if step > 40000:
        outside /= 10
    totals = dict.fromkeys(("common", "first", "second", "fusion"), 0.0)
    for sample in range(len(clean)):
        sums, count = dict.fromkeys(totals, 0.0), clean[sample].size
        for (channel, row, column), value in np.ndenumerate(clean[sample]):
            one, other = masks[sample, 0, row, column] == 1, masks[sample, 1, row, column] == 1
            shown = {"common": one and other, "first": one and not other, "second": other and not one}
            for name, is_shown in shown.items():
                found = parts[name][sample, channel, row, column]
                sums[name] += abs(found - value) if is_shown else abs(found * outside)
            sums["fusion"] += abs(parts["fusion"][sample, channel, row, column] - value)
        for name in totals:
            totals[name] += sums[name] / count
    if step < 17000:
        del totals["fusion"]
    else:
        totals["fusion"] *= (min(step - 10000, 14000) / 14000) ** 2
    return totals


@pytest.mark.parametrize("step", [0, 2999, 3000, 5000, 7000, 16999, 17000, 20000, 24000, 40000, 40001, 600000])
def test_losses_are_the_slow_ones(step):
    random = np.random.default_rng(step)
    parts = {name: random.uniform(0, 1.5, (2, 3, 4, 5)) for name in ("common", "first", "second", "fusion")}
    clean = random.uniform(0, 1, (2, 3, 4, 5))
    masks = random.integers(0, 2, (2, 2, 4, 5)).astype(float)
    masks[:, 1][masks[:, 0] == 0] = 1  # at least one shows each pixel
    found = defusion.losses(
        Parts(*(torch.from_numpy(part) for part in parts.values())),
        torch.from_numpy(clean),
        torch.from_numpy(masks),
        step,
    )
    expected = slow_losses(parts, clean, masks, step)
    assert {name: pytest.approx(value, rel=1e-12) for name, value in expected.items()} == {
        name: float(value) for name, value in found.items()
    }


def test_masks_cover_the_picture_and_each_hides_some_of_it():
    generator = torch.Generator().manual_seed(5)
    masks = torch.stack([defusion.draw_masks(64, generator) for _ in range(40)]).numpy()
    assert set(np.unique(masks)) == {0, 1}
    assert (masks.max(axis=1) == 1).all()
    shown = masks.mean(axis=(2, 3))
    assert shown.min() < 0.5
    assert shown.max() > 0.9
    assert abs(shown[:, 0].mean() - shown[:, 1].mean()) < 0.15  # neither is the favoured one
    assert 0.05 < masks.prod(axis=1).mean() < 0.9


def test_holes_are_filled_with_noise_and_the_rest_is_untouched():
    generator = torch.Generator().manual_seed(6)
    clean = torch.rand((2, 3, 32, 32), generator=generator)
    mask = (torch.rand((2, 1, 32, 32), generator=generator) < 0.5).float()
    found = defusion.damaged(clean, mask, generator)
    shown = mask.expand_as(clean) == 1
    assert torch.equal(found[shown], clean[shown])
    holes = found[~shown].numpy()
    assert holes.min() >= 0
    # Of |N(0, 1)|, 31.7 % lie above 1 and the mean of what is cut there is 0.631.
    assert abs((holes == 1).mean() - 0.317) < 0.03
    assert abs(holes.mean() - 0.631) < 0.03


def test_dimmed_pictures_are_never_brighter_and_gray_stays_gray():
    generator = torch.Generator().manual_seed(7)
    gray = torch.rand((4, 1, 16, 16), generator=generator).expand(4, 3, 16, 16)
    found = defusion.dimmed(gray, generator)
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-6)
    assert (found.amax((1, 2, 3)) <= gray.amax((1, 2, 3)) + 1e-6).all()
    assert (found.std((1, 2, 3)) < gray.std((1, 2, 3))).all()


@pytest.mark.parametrize(("step", "weight"), [(2999, 0), (3000, 0.15 * 9 / 49), (7000, 0.15), (40001, 0.015)])
def test_weight_of_what_should_be_black(step, weight):
    assert defusion.outside_weight(step) == pytest.approx(weight)


def patches(count, side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    infrared, luminance = torch.rand((2, count, 1, side, side), generator=generator)
    return Patches(infrared, luminance, torch.rand((count, 3, side, side), generator=generator))


def train(steps, state=None):
    torch.manual_seed(3)
    rival = defusion.RECIPE.start(Budget(steps=8, batch=1, patch=32), torch.device("cpu"))
    for name, part in rival.parts().items():
        if state:
            part.load_state_dict(state[name])
    records = [rival.step(patches(1, 32, number), number) for number in steps]
    return rival, records


@pytest.mark.parametrize("seed", range(4))
def test_no_output_channel_begins_dead_and_no_picture_begins_too_bright(seed):
    # Drawn as the authors draw them, seeds 0 to 3 all begin with dead channels and with means of 99 to 186.
    generator = torch.Generator().manual_seed(seed)
    clean = torch.nn.functional.interpolate(torch.rand((2, 3, 8, 8), generator=generator), size=(64, 64))
    masks = torch.stack([defusion.draw_masks(64, generator) for _ in range(2)])
    copies = (defusion.damaged(clean, masks[:, index, None], generator) for index in (0, 1))
    torch.manual_seed(seed)
    network = DeFusion()
    defusion.start(network)
    with torch.no_grad():
        for name, picture in network.decompose(*copies)._asdict().items():
            assert (picture > 0).float().mean((0, 2, 3)).min() > 0.9, name
            assert 0.05 < picture.mean() < 3, name


def test_a_network_that_makes_black_pictures_is_no_result():
    torch.manual_seed(3)
    rival = defusion.RECIPE.start(Budget(steps=2, batch=1, patch=32), torch.device("cpu"))
    rival.step(patches(1, 32), 0)
    with torch.no_grad():
        rival.parts()["network"].fusion_rule[0].weight[1] *= -1
        rival.parts()["network"].fusion_rule[0].bias[1] = 0
    with pytest.raises(InputError, match=r"collapsed: the fused picture is black in green; another seed"):
        rival.step(patches(1, 32), 1)


def test_training_goes_on_from_its_parts_as_if_nothing_had_happened():
    whole, records = train(range(3))
    assert all(record["loss"] == pytest.approx(sum(record.values()) - record["loss"]) for record in records)
    before, _ = train(range(2))
    state = {name: part.state_dict() for name, part in before.parts().items()}
    after, _ = train([2], state)
    for name, value in whole.weights().items():
        assert torch.equal(value, after.weights()[name]), name
    DeFusion().load_state_dict(whole.weights())


def test_fusion_counts_from_its_share_of_the_steps_on():
    _, records = train([0, 1])
    assert "fusion" not in records[0]  # of 637,500 steps, 17,000 are a fifth of a step of eight
    assert "fusion" in records[1]
