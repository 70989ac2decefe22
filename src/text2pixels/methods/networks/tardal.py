"""TarDAL: the generator of a target-aware dual adversarial network.

J. Liu et al., "Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to
Fuse Infrared and Visible for Object Detection", CVPR 2022, section 3.2: a convolution, three densely
connected ones, four that fuse; 3x3, zero padding, batch normalisation (here in evaluation mode, as in the
papers that compare with it; the authors' first README ran it in training mode).

Legend of shape suffixes: B batch, H height, W width, 1 one channel.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors

_FILE = "tardal/tardal.pt"
_CHANNELS = 32
_DEPTH = 3


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class TarDAL(nn.Module):
    """The generator; its parameters carry the names of the authors' file."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _convolution(2, _CHANNELS)
        self.dense = nn.ModuleList(_convolution(_CHANNELS * (i + 1), _CHANNELS) for i in range(_DEPTH))
        stacked = _CHANNELS * (_DEPTH + 1)
        self.fuse = nn.Sequential(
            nn.Sequential(nn.Conv2d(stacked, _CHANNELS * 4, 3, padding=1), nn.ReLU(inplace=True)),
            _convolution(_CHANNELS * 4, _CHANNELS * 2),
            _convolution(_CHANNELS * 2, _CHANNELS),
            nn.Sequential(nn.Conv2d(_CHANNELS, 1, 3, padding=1), nn.Tanh()),
        )

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255."""
        features_BCHW = self.encoder(torch.cat([infrared_B1HW, visible_B1HW], dim=1) / 255)
        for layer in self.dense:
            features_BCHW = torch.cat([features_BCHW, layer(features_BCHW)], dim=1)
        fused_B1HW: Tensor = self.fuse(features_BCHW) * 255
        return fused_B1HW


def _read(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(folder / _FILE, map_location="cpu", weights_only=True)
    return state


AUTHORS = Authors(TarDAL, _read)
