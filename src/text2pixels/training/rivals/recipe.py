"""What a network of other authors needs to be trained again: the authors' schedule, and what one step does.

Shapes: B batch; 1 and 3 channels; H, W patch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Image8 = NDArray[np.uint8]
Float = NDArray[np.float32]


@dataclass(frozen=True)
class Budget:
    """How long, and on how much at a time.

    Attributes:
        steps: Batches in all. A recipe puts the authors' phases and rates at their share of these steps.
        batch: Patches of a step.
        patch: Side of the square patches in pixels.
    """

    steps: int
    batch: int
    patch: int


@dataclass(frozen=True)
class Patches:
    """A batch, all in [0, 1].

    Attributes:
        infrared_B1HW: The infrared.
        luminance_B1HW: BT.601 luminance of the visible.
        visible_B3HW: The visible in RGB.
        third_B1HW: What the recipe computes of the whole pair; None where it computes nothing. Its range is that of
            the recipe's function.
    """

    infrared_B1HW: Tensor
    luminance_B1HW: Tensor
    visible_B3HW: Tensor
    third_B1HW: Tensor | None = None


class Rival(Protocol):
    """A network in training."""

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        """Take one step and return the losses, by name.

        Args:
            patches: The batch, on the device of the training.
            number: Of the step, from 0.
        """
        ...

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        """Return all that changes from step to step, by name: networks and optimisers.

        They hold the whole state: whatever else a step needs follows from its number.
        """
        ...

    def weights(self) -> dict[str, Tensor]:
        """Return the state of the network that fuses: what the method's `Authors` would build."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How a network's authors trained it.

    Attributes:
        budget: The authors' whole schedule.
        start: Makes the untrained network, of ``torch``'s random numbers, for a budget on a device.
        pairs: What the authors trained on, for the card.
        left_out: What of the authors' training is not done here, for the card; "" where nothing is missing.
        scales: Least and greatest factor by which a pair is scaled, at random, before a patch is cut.
        mirrored: Whether half of the patches are mirrored.
        minimum_contrast: Patches with less, in either image, are drawn again: the share of the 90th percentile
            that lies between it and the 10th.
        third: Computes an image (H, W) of a pair, the infrared (H, W) and the visible (H, W, 3), that is cut as
            they are.
    """

    budget: Budget
    start: Callable[[Budget, torch.device], Rival]
    pairs: str
    left_out: str = ""
    scales: tuple[float, float] = (1.0, 1.0)
    mirrored: bool = False
    minimum_contrast: float = 0.0
    third: Callable[[Image8, Image8], Float] | None = None


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all that an optimiser moves."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def either_picture(patches: Patches, generator: torch.Generator) -> Tensor:
    """Return of each patch one image as RGB, (B, 3, H, W): the infrared, in three equal channels, or the visible."""
    infrared_B = (torch.rand(len(patches.visible_B3HW), generator=generator) < 0.5).to(patches.visible_B3HW.device)
    return torch.where(infrared_B[:, None, None, None], patches.infrared_B1HW, patches.visible_B3HW)


def sobel(image_B1HW: Tensor) -> Tensor:
    """Return |horizontal| + |vertical| Sobel derivative, (B, 1, H, W), zero beyond the border."""
    kernel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=image_B1HW.device)
    kernels_2133 = torch.stack([kernel, kernel.T])[:, None]
    return F.conv2d(image_B1HW, kernels_2133, padding=1).abs().sum(dim=1, keepdim=True)
