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

from text2pixels.methods.fuser import Fuser
from text2pixels.methods.weights import WeightFile

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


def _build(folder: Path) -> TarDAL:
    network = TarDAL()
    network.load_state_dict(torch.load(folder / _FILE, map_location="cpu", weights_only=True))
    return network


TARDAL = Fuser(
    name="tardal",
    title="TarDAL",
    paper="Liu et al., Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark "
    "to Fuse Infrared and Visible for Object Detection, CVPR",
    year=2022,
    licence="GPL-3.0",
    weights="official",
    network=_build,
    files=(
        WeightFile(
            _FILE,
            "e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
            "the releases of github.com/JinyuanLiu-CV/TarDAL",
        ),
    ),
    parameters=296_577,
    luminance="rounded",
    notes="batch normalisation in evaluation mode; what tanh puts below 0 is clipped",
)
