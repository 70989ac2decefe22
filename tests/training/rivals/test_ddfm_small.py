"""The small diffusion model of DDFM: its loss, against a slow transcription, and a few steps of its training."""

import numpy as np
import pytest
import torch

from text2pixels.methods.catalogue import locate, methods
from text2pixels.training.rivals import ddfm_small
from text2pixels.training.rivals.recipe import Budget, Patches, either_picture


def test_loss_is_the_mean_squared_error_of_the_noise_in_the_noisy_picture():
    seen = {}

    def network(noisy, steps):
        seen["noisy"], seen["steps"] = noisy.numpy(), steps.numpy()
        return torch.full_like(noisy, 0.25)

    pictures = torch.rand((3, 3, 4, 4), generator=torch.Generator().manual_seed(1)) * 2 - 1
    loss = ddfm_small.noise_loss(network, pictures, torch.Generator().manual_seed(2))
    # The noise, back from the noisy picture by DDPM's equation (4), with the product written out.
    total = 0.0
    for noisy, step, clean in zip(seen["noisy"], seen["steps"], pictures.numpy(), strict=True):
        share = np.prod([1 - (1e-4 + index * (0.02 - 1e-4) / 999) for index in range(step + 1)])
        noise = (noisy - np.sqrt(share) * clean) / np.sqrt(1 - share)
        total += ((0.25 - noise) ** 2).mean() / 3
    assert float(loss) == pytest.approx(total, rel=1e-3)
    assert seen["steps"].min() >= 0
    assert seen["steps"].max() < 1000


def test_rate_rises_then_falls_to_nothing():
    rates = [ddfm_small.rate(done) for done in (0.0, 0.01, 0.02, 0.5, 1.0)]
    assert rates[0] == pytest.approx(4e-6)
    assert rates[0] < rates[1] < rates[2]
    assert rates[3] == pytest.approx(2e-4)
    assert rates[4] == pytest.approx(0, abs=1e-12)


def patches(seed):
    generator = torch.Generator().manual_seed(seed)
    infrared, luminance = torch.rand((2, 2, 1, 32, 32), generator=generator)
    return Patches(infrared, luminance, torch.rand((2, 3, 32, 32), generator=generator))


def test_either_picture_is_the_infrared_in_three_channels_or_the_visible():
    batch = patches(0)
    generator = torch.Generator().manual_seed(0)
    kinds = set()
    for _ in range(20):
        for index, picture in enumerate(either_picture(batch, generator)):
            if torch.equal(picture, batch.visible_B3HW[index]):
                kinds.add("visible")
            else:
                assert torch.equal(picture, batch.infrared_B1HW[index].expand(3, -1, -1))
                kinds.add("infrared")
    assert kinds == {"visible", "infrared"}


def train(steps, state=None):
    torch.manual_seed(3)
    rival = ddfm_small.RECIPE.start(Budget(steps=6, batch=2, patch=32), torch.device("cpu"))
    for name, part in rival.parts().items():
        if state:
            part.load_state_dict(state[name])
    for number in steps:
        assert set(rival.step(patches(number), number)) == {"loss"}
    return rival


def test_training_goes_on_from_its_parts_as_if_nothing_had_happened():
    whole, before = train(range(3)), train(range(2))
    after = train([2], {name: part.state_dict() for name, part in before.parts().items()})
    for name, value in whole.weights().items():
        assert torch.equal(value, after.weights()[name]), name


def test_the_method_of_that_name_takes_the_trained_weights():
    card = methods()["ddfm-small"].card
    rival = train(range(2))
    network = locate(methods()["ddfm-small"]).network(card, rival.weights())
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    # What fuses is a running mean: after two steps, neither where training began nor where it is.
    current = rival.parts()["network"].state_dict()["out.2.bias"]
    assert not torch.equal(network.unet.out[2].bias, current)
    assert network.unet.out[2].bias.any()
