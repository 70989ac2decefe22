"""Noise schedule and sampler of diffusion models.

J. Song et al., "Denoising Diffusion Implicit Models", ICLR 2021, equation (12) with eta 0: after the first
noise nothing is random. The schedule is the linear one of J. Ho et al., "Denoising Diffusion Probabilistic
Models", NeurIPS 2020, section 4.

Legend of shape suffixes: B batch, H height, W width, 3 RGB channels in about -1..1.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from text2pixels.errors import InputError

TRAINED_STEPS = 1000
_FIRST_BETA, _LAST_BETA = 1e-4, 0.02


def signal_shares() -> NDArray[np.float64]:
    """Return the share of the image's variance that is left after each training step: alpha-bar, (1000,), falling."""
    return np.cumprod(1 - np.linspace(_FIRST_BETA, _LAST_BETA, TRAINED_STEPS), dtype=np.float64)


def spaced_steps(count: int) -> list[int]:
    """Return so many of the training steps, from the first to the last at equal distances, ascending.

    Raises:
        InputError: a count that is not from 2 to 1,000.
    """
    if not 2 <= count <= TRAINED_STEPS:
        raise InputError(f"steps: expected 2 to {TRAINED_STEPS} denoising steps, found {count}")
    return [round(index * (TRAINED_STEPS - 1) / (count - 1)) for index in range(count)]


def add_noise(clean_B3HW: Tensor, noise_B3HW: Tensor, step_B: Tensor) -> Tensor:
    """Return images as they are after training steps of noise (DDPM, equation (4))."""
    shares_B111 = torch.from_numpy(signal_shares())[step_B.cpu(), None, None, None]
    return shares_B111.sqrt().to(clean_B3HW) * clean_B3HW + (1 - shares_B111).sqrt().to(clean_B3HW) * noise_B3HW


def denoise(
    predict_noise: Callable[[Tensor, Tensor], Tensor],
    noise_B3HW: Tensor,
    steps: int,
    correct: Callable[[Tensor], Tensor],
) -> Iterator[Tensor]:
    """Turn noise into images, yielding the images after each step; the last are the result.

    Args:
        predict_noise: The network: of images and their steps (B,), of which it says the noise; further channels
            after the first three are ignored.
        noise_B3HW: Of the normal distribution.
        steps: How many of the 1,000 training steps are taken.
        correct: Changes the estimate of the clean image, which is clamped to -1..1 before it, at each step.

    Raises:
        InputError: see `spaced_steps`.
    """
    taken = spaced_steps(steps)
    shares = signal_shares()[taken]
    image_B3HW = noise_B3HW
    for index in reversed(range(steps)):
        share, next_share = shares[index], shares[index - 1] if index else 1.0
        step_B = torch.full((len(image_B3HW),), taken[index], device=image_B3HW.device)
        noise = predict_noise(image_B3HW, step_B)[:, :3]
        clean_B3HW = image_B3HW / share**0.5 - (1 / share - 1) ** 0.5 * noise
        clean_B3HW = correct(clean_B3HW.clamp(-1, 1))
        # The noise that leads from the corrected estimate to the image at hand.
        noise = (image_B3HW / share**0.5 - clean_B3HW) / (1 / share - 1) ** 0.5
        image_B3HW = next_share**0.5 * clean_B3HW + (1 - next_share) ** 0.5 * noise
        yield image_B3HW
