"""A small diffusion model for DDFM, of pictures at hand: DDFM's own, of photographs, is not trained again here.

The loss is that of J. Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020, equation (14): the
squared error of the predicted noise. Like the published network, its weights are a running mean of those that
training leaves (P. Dhariwal and A. Nichol, NeurIPS 2021, appendix), here over fewer steps. The form of the
network, its rate and the length of its training are this project's.

Legend of shape suffixes: B batch, 3 RGB channels, H, W patch.
"""

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.ddfm import named
from text2pixels.methods.networks.diffusion_sampler import TRAINED_STEPS, add_noise
from text2pixels.methods.networks.diffusion_unet import DiffusionUNet, Shape
from text2pixels.training.rivals.recipe import Budget, Patches, Recipe, either_picture, set_rate

SHAPE = Shape(channels=32, multipliers=(1, 1, 2, 2, 4), blocks=1, attention=(4,), outputs=3)
_RATE = 4e-4
_WARM_UP = 0.02  # of all steps
_DECAY = 0.999  # of the running mean, which at first is that of fewer steps


class _Prior:
    def __init__(self, budget: Budget, device: torch.device) -> None:
        self._seed = int(torch.randint(2**31, ()))
        self._network = DiffusionUNet(SHAPE).to(device)
        self._mean = copy.deepcopy(self._network).requires_grad_(False)
        self._optimiser = torch.optim.AdamW(self._network.parameters(), lr=_RATE)
        self._steps = budget.steps

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        set_rate(self._optimiser, rate(number / self._steps))
        generator = torch.Generator().manual_seed(self._seed + number)
        loss = noise_loss(self._network, either_picture(patches, generator) * 2 - 1, generator)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        decay = min(_DECAY, (1 + number) / (10 + number))
        with torch.no_grad():
            for kept, new in zip(self._mean.parameters(), self._network.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        return {"loss": float(loss.detach())}

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        return {"network": self._network, "mean": self._mean, "optimiser": self._optimiser}

    def weights(self) -> dict[str, Tensor]:
        return named(self._mean.state_dict())


def noise_loss(network: nn.Module, pictures_B3HW: Tensor, generator: torch.Generator) -> Tensor:
    """Return the mean squared error of the noise that a network sees in pictures, at random steps.

    Args:
        network: Of noisy pictures and steps (B,).
        pictures_B3HW: In -1..1.
        generator: Of steps and noise, on the CPU.
    """
    device = pictures_B3HW.device
    step_B = torch.randint(TRAINED_STEPS, (len(pictures_B3HW),), generator=generator).to(device)
    noise_B3HW = torch.randn(pictures_B3HW.shape, generator=generator).to(device)
    found_B3HW: Tensor = network(add_noise(pictures_B3HW, noise_B3HW, step_B), step_B)
    return (found_B3HW - noise_B3HW).square().mean()


def rate(done: float) -> float:
    """Return the learning rate when a share of training is done: it rises, then falls to 0 like a cosine."""
    return _RATE * min(1.0, done / _WARM_UP + 0.01) * (1 + math.cos(math.pi * done)) / 2


RECIPE = Recipe(
    budget=Budget(steps=200_000, batch=32, patch=128),
    start=_Prior,
    pairs="photographs of ImageNet, for 1,980,000 steps",
    left_out="a network of 4 million parameters in place of their 553 million, and this project's own schedule",
    scales=(0.5, 1.0),
    mirrored=True,
)
