"""CDDFuse's training: first to take images apart and put them together again, then to fuse.

Z. Zhao et al., CVPR 2023, section 3.4 (equations 8 to 14), with the constants and the schedule of the authors'
code: 120 epochs, of which the first 40 train encoder and decoder alone.

Shapes: B batch; 1 and C channels; H, W patch; N pixels.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.cddfuse import CDDFuse
from text2pixels.network.losses import derivatives
from text2pixels.training.rivals.recipe import Budget, Patches, Recipe, set_rate, sobel

_EPOCHS, _FIRST_PHASE, _HALVES_EVERY = 120, 40, 20  # epochs
_RATE, _LEAST_RATE = 1e-4, 1e-6
_CLIP = 0.01  # norm of the gradient of each part
_WINDOW, _DEVIATION = 11, 1.5  # pixels, of SSIM


def correlation(first_BCHW: Tensor, second_BCHW: Tensor) -> Tensor:
    """Return the mean over batch and channels of the correlation coefficient of two feature maps."""
    first_BCN, second_BCN = (
        features.flatten(2) - features.flatten(2).mean(dim=2, keepdim=True) for features in (first_BCHW, second_BCHW)
    )
    norms_BC = first_BCN.square().sum(dim=2).sqrt() * second_BCN.square().sum(dim=2).sqrt()
    products_BC = (first_BCN * second_BCN).sum(dim=2)
    return (products_BC / (norms_BC + torch.finfo(torch.float32).eps)).clamp(-1, 1).mean()


def decomposition_loss(base: tuple[Tensor, Tensor], detail: tuple[Tensor, Tensor]) -> Tensor:
    """Return equation (10): base features of the two images should correlate, detail features should not."""
    return correlation(*detail).square() / (1.01 + correlation(*base))


def dissimilarity(first_B1HW: Tensor, second_B1HW: Tensor) -> Tensor:
    """Return (1 - SSIM) / 2 of images in [0, 1], the mean over pixels, borders reflected."""
    offsets = torch.arange(_WINDOW, device=first_B1HW.device) - _WINDOW // 2
    gaussian = torch.exp(-offsets.square() / (2 * _DEVIATION**2))
    gaussian = gaussian / gaussian.sum()

    def mean(image_B1HW: Tensor) -> Tensor:
        padded = F.pad(image_B1HW, [_WINDOW // 2] * 4, mode="reflect")
        return F.conv2d(F.conv2d(padded, gaussian.view(1, 1, 1, -1)), gaussian.view(1, 1, -1, 1))

    means = mean(first_B1HW), mean(second_B1HW)
    variances = mean(first_B1HW.square()) - means[0].square(), mean(second_B1HW.square()) - means[1].square()
    covariance = mean(first_B1HW * second_B1HW) - means[0] * means[1]
    c1, c2 = 0.01**2, 0.03**2
    ssim_B1HW = (2 * means[0] * means[1] + c1) * (2 * covariance + c2)
    ssim_B1HW = ssim_B1HW / ((means[0].square() + means[1].square() + c1) * (variances[0] + variances[1] + c2))
    return ((1 - ssim_B1HW) / 2).clamp(0, 1).mean()


def reconstruction_loss(image_B1HW: Tensor, again_B1HW: Tensor) -> Tensor:
    """Return how far an image is from its reconstruction, equation (9)."""
    return 5 * dissimilarity(image_B1HW, again_B1HW) + F.mse_loss(again_B1HW, image_B1HW)


def fusion_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return equations (13) and (14): the brighter pixel, the stronger gradient."""
    intensity = F.l1_loss(fused_B1HW, torch.maximum(infrared_B1HW, visible_B1HW))
    return intensity + 10 * F.l1_loss(sobel(fused_B1HW), torch.maximum(sobel(infrared_B1HW), sobel(visible_B1HW)))


class Training:
    """The four parts of the network, an Adam optimiser for each."""

    def __init__(self, budget: Budget, device: torch.device) -> None:
        self._steps = budget.steps
        self.network = CDDFuse().to(device)
        parts = ("encoder", "decoder", "base", "detail")
        self._adam = {name: torch.optim.Adam(self.network.get_submodule(name).parameters(), lr=_RATE) for name in parts}

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        """Return the network and the optimisers; see `recipe.Rival`."""
        return {"network": self.network, **self._adam}

    def weights(self) -> dict[str, Tensor]:
        """Return the network's state."""
        return self.network.state_dict()

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        """Take a step of the first or the second phase."""
        epoch = number * _EPOCHS // self._steps
        visible_B1HW, infrared_B1HW = patches.luminance_B1HW, patches.infrared_B1HW
        visible, infrared = self.network.encoder(visible_B1HW), self.network.encoder(infrared_B1HW)
        apart = decomposition_loss((visible.base, infrared.base), (visible.detail, infrared.detail))
        first = epoch < _FIRST_PHASE
        if first:
            again = self.network.decoder(visible_B1HW, *visible), self.network.decoder(infrared_B1HW, *infrared)
            images = reconstruction_loss(visible_B1HW, again[0]) + reconstruction_loss(infrared_B1HW, again[1])
            images = images + 5 * F.l1_loss(derivatives(again[0]), derivatives(visible_B1HW))
        else:
            images = fusion_loss(self.network.fuse(infrared, visible, visible_B1HW), infrared_B1HW, visible_B1HW)
        loss = images + 2 * apart
        self.network.zero_grad()
        torch.autograd.backward([loss])
        for name, optimiser in self._adam.items():
            # The rate of the two fusing layers begins to fall when they begin to learn.
            begun = 0 if name in ("encoder", "decoder") else _FIRST_PHASE
            if epoch >= begun:
                nn.utils.clip_grad_norm_(self.network.get_submodule(name).parameters(), _CLIP)
                set_rate(optimiser, max(_LEAST_RATE, _RATE * 0.5 ** ((epoch - begun) // _HALVES_EVERY)))
                optimiser.step()
        return {"reconstruction" if first else "fusion": images.item(), "decomposition": apart.item()}


RECIPE = Recipe(
    # Six patches of each of 1,083 pairs, if none is dropped for its contrast: 813 steps in each of 120 epochs.
    Budget(steps=97_560, batch=8, patch=128),
    Training,
    pairs="the 1,083 training pairs of MSRS",
    minimum_contrast=0.1,
)
