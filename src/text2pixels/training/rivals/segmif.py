"""SegMiF's training: to imitate VSM-WLS, led by the features of what VSM-WLS makes of the pair.

J. Liu et al., ICCV 2023, section 3.3, with the constants and the schedule of the authors' code
(github.com/JinyuanLiu-CV/SegMiF: train.py, core/loss.py, configs/voc_fusion.yaml). Seven rounds, each of which
trains the fusion network, then the segmentation network on its pictures. Here, there are no labels of pixels: see
``left_out`` below.

Legend of shape suffixes: B batch; 1 and 3 channels; H, W patch.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.segmif import CrossAttention, SegMiF, luminance, third_image
from text2pixels.network.losses import ssim
from text2pixels.training.rivals.recipe import Budget, Float, Image8, Patches, Recipe, set_rate, sobel

_FIRST_ROUND, _LATER_ROUND, _ROUNDS = 6_000, 4_000, 7  # steps of the fusion network in a round, and rounds
_RATE, _RATE_ENDS = 1e-4, 20_000  # falls in a straight line, to nothing at that step of a round
_DECAY = 0.01
_WINDOW = 11  # pixels, of SSIM
_BRIGHTNESS, _HUE = 32, 18  # levels and steps of two degrees, by which the visible is changed at most
_FACTORS = (0.5, 1.5)  # of contrast and of saturation


def first_loss(fused_B1HW: Tensor, target_B1HW: Tensor) -> Tensor:
    """Return the loss of the first round: of pixels and of gradients."""
    return F.l1_loss(fused_B1HW, target_B1HW) + F.l1_loss(sobel(fused_B1HW), sobel(target_B1HW))


def later_loss(fused_B1HW: Tensor, target_B1HW: Tensor) -> Tensor:
    """Return the loss of fusion in the later rounds; beyond the border, SSIM sees zeros."""
    padded = [F.pad(image, [_WINDOW // 2] * 4) for image in (fused_B1HW, target_B1HW)]
    return F.mse_loss(fused_B1HW, target_B1HW) + 1.1 * (1 - ssim(*padded).mean())


def place(step: float) -> tuple[int, float]:
    """Return the round, from 1, and the step within it, of a step of the authors' schedule."""
    if step < _FIRST_ROUND:
        return 1, step
    later, within = divmod(step - _FIRST_ROUND, _LATER_ROUND)
    return 2 + int(later), within


class _SegMiF:
    """The network and its optimiser, which each round begins anew."""

    def __init__(self, budget: Budget, device: torch.device) -> None:
        self._seed = int(torch.randint(2**31, ()))
        self._network = SegMiF()
        start(self._network)
        self._network.to(device)
        self._adam = torch.optim.AdamW(self._network.parameters(), lr=_RATE, weight_decay=_DECAY)
        self._length = RECIPE.budget.steps / budget.steps  # of one step, in steps of the authors

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        """Take a step of a round; see `recipe.Rival`."""
        turn, within = place(number * self._length)
        if within < self._length:
            self._adam.state.clear()
        set_rate(self._adam, _RATE / turn * (1 - within / _RATE_ENDS))
        assert patches.third_B1HW is not None, "the recipe computes it"
        target_B1HW = patches.third_B1HW / 255
        rng = np.random.default_rng([self._seed, number])
        visible_B1HW = luminance(distorted(patches.visible_B3HW, rng))
        fused_B1HW = self._network.fuse(patches.infrared_B1HW, visible_B1HW, target_B1HW)
        loss = first_loss(fused_B1HW, target_B1HW) if turn == 1 else later_loss(fused_B1HW, target_B1HW)
        self._adam.zero_grad()
        # Of the weights that training with labels gives both losses, about 1, only this one's is left.
        torch.autograd.backward([loss if turn == 1 else 0.4 / turn * loss])
        self._adam.step()
        return {"first round" if turn == 1 else "later rounds": loss.item()}

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        """Return the network and the optimiser; see `recipe.Rival`."""
        return {"network": self._network, "optimiser": self._adam}

    def weights(self) -> dict[str, Tensor]:
        """Return the network's state."""
        return self._network.state_dict()


def start(network: SegMiF) -> None:
    """Draw weights as the authors do: of attention and the encoder as in SegFormer, of the rest as PyTorch does."""
    attention = [part for part in network.modules() if isinstance(part, CrossAttention)]
    for part in (network.encoder, *attention):
        for layer in part.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
            elif isinstance(layer, nn.Conv2d):
                height, width = layer.kernel_size
                nn.init.normal_(layer.weight, std=(2 / (height * width * layer.out_channels / layer.groups)) ** 0.5)
            if isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None:
                nn.init.zeros_(layer.bias)


def distorted(visible_B3HW: Tensor, rng: np.random.Generator) -> Tensor:
    """Return RGB images in [0, 1] with other brightness, contrast, saturation and hue, each in half of the cases."""
    images = (visible_B3HW.permute(0, 2, 3, 1).cpu().numpy() * 255).round()
    changed = np.stack([_distorted(image.astype(np.uint8), rng) for image in images])
    return torch.from_numpy(changed).permute(0, 3, 1, 2).to(visible_B3HW) / 255


def _distorted(image_HW3: Image8, rng: np.random.Generator) -> Image8:
    def chance() -> bool:
        return bool(rng.random() < 0.5)

    if chance():
        image_HW3 = _levels(image_HW3 + rng.uniform(-_BRIGHTNESS, _BRIGHTNESS))
    contrast = float(rng.uniform(*_FACTORS)) if chance() else 1.0
    contrast_first = chance()
    if contrast_first:
        image_HW3 = _levels(image_HW3 * contrast)
    factor = float(rng.uniform(*_FACTORS)) if chance() else 1.0
    turn = int(rng.integers(-_HUE, _HUE)) if chance() else 0
    if factor != 1 or turn:
        hue, saturation, value = cv2.split(cv2.cvtColor(image_HW3, cv2.COLOR_RGB2HSV))
        hue = ((hue.astype(int) + turn) % 180).astype(np.uint8)
        merged = cv2.merge([hue, _levels(saturation * factor), value])
        image_HW3 = np.asarray(cv2.cvtColor(merged, cv2.COLOR_HSV2RGB), dtype=np.uint8)
    return image_HW3 if contrast_first else _levels(image_HW3 * contrast)


def _levels(values: NDArray[np.floating]) -> Image8:
    levels: Image8 = np.clip(values, 0, 255).astype(np.uint8)
    return levels


def fused_by_vsm_wls(infrared_HW: Image8, visible_HW3: Image8) -> Float:
    """Return the pair fused by VSM-WLS: the third image and the target, 8-bit levels (H, W) in 0..255."""
    infrared_11HW = torch.from_numpy(infrared_HW).float()[None, None]
    visible_13HW = torch.from_numpy(visible_HW3).permute(2, 0, 1).float()[None]
    target_HW: Float = third_image("vsm-wls", infrared_11HW, visible_13HW)[0, 0].numpy()
    return target_HW


RECIPE = Recipe(
    Budget(steps=_FIRST_ROUND + (_ROUNDS - 1) * _LATER_ROUND, batch=2, patch=320),
    _SegMiF,
    pairs="the training pairs of MFNet",
    left_out="all that needs labels of pixels, of which there are none here: the segmentation loss of rounds 2 to 7, "
    "and the 10,000 steps a round of the segmentation network, which start from weights of ImageNet that are not to be "
    "had here either; so the two stages of its encoder begin at random and learn with the fusion network",
    scales=(0.5, 2.0),
    mirrored=True,
    third=fused_by_vsm_wls,
)
