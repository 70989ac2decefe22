"""SAGE: the small network that was distilled from a large one with the priors of SAM.

G. Wu et al., "Every SAM Drop Counts: Embracing Semantic Priors for Multi-Modality Image Fusion and Beyond",
CVPR 2025, section 3.3: a U-shaped network of five blocks on three scales, 3x3, zero padding, batch
normalisation, leaky ReLU 0.01, tanh at the end.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "sage/checkpoints.pt"
_CHANNELS = 32


def _layers(inputs: int, kernel: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, _CHANNELS, kernel, padding=kernel // 2), nn.BatchNorm2d(_CHANNELS), nn.LeakyReLU(0.01)]


def _block(inputs: int) -> nn.Sequential:
    return nn.Sequential(*_layers(inputs, 3), *_layers(_CHANNELS, 3), *_layers(_CHANNELS, 3))


def _enlarge(features_BCHW: Tensor, like_BCHW: Tensor) -> Tensor:
    larger_BCHW = F.interpolate(features_BCHW, like_BCHW.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([larger_BCHW, like_BCHW], dim=1)


class SAGE(nn.Module):
    """The sub-network, which alone fuses; its parameters carry the names of the authors' file."""

    def __init__(self) -> None:
        super().__init__()
        self.module1 = _block(2)
        self.module2 = _block(_CHANNELS)
        self.module3 = _block(_CHANNELS)
        self.adjust_channels4 = nn.Sequential(*_layers(2 * _CHANNELS, 1))
        self.module4 = _block(_CHANNELS)
        self.adjust_channels5 = nn.Sequential(*_layers(2 * _CHANNELS, 1))
        self.module5 = _block(_CHANNELS)
        self.final_decoder = nn.Sequential(nn.Conv2d(_CHANNELS, 1, 3, padding=1), nn.Tanh())

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255."""
        whole_BCHW = self.module1(torch.cat([visible_B1HW, infrared_B1HW], dim=1) / 255)
        half_BCHW = self.module2(F.max_pool2d(whole_BCHW, 2))
        quarter_BCHW = self.module3(F.max_pool2d(half_BCHW, 2))
        half_BCHW = self.module4(self.adjust_channels4(_enlarge(quarter_BCHW, half_BCHW)))
        whole_BCHW = self.module5(self.adjust_channels5(_enlarge(half_BCHW, whole_BCHW)))
        fused_B1HW: Tensor = self.final_decoder(whole_BCHW) * 255
        return fused_B1HW


def _read(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = read_torch_file(folder / _FILE)
    return state


AUTHORS = Authors(SAGE, _read)
