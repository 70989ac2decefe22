"""DenseFuse: a dense encoder per image, the mean of the two feature maps, a decoder.

H. Li, X.-J. Wu, "DenseFuse: A Fusion Approach to Infrared and Visible Images", IEEE Trans. Image
Processing 28(5), 2019, section III, with the addition strategy. 3x3, reflected borders, ReLU after each
layer including the last; images go in as 0..255, not divided.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors

_FILE = "densefuse/densefuse_gray.model"


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class DenseFuse(nn.Module):
    """The network of gray images."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(1, 16)
        self.dense = nn.ModuleList(_convolution(16 * (i + 1), 16) for i in range(3))
        self.decoder = nn.ModuleList(
            _convolution(inputs, outputs) for inputs, outputs in ((64, 64), (64, 32), (32, 16), (16, 1))
        )

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is 0 or more."""
        features_BCHW = (self._encode(infrared_B1HW) + self._encode(visible_B1HW)) / 2
        for layer in self.decoder:
            features_BCHW = F.relu(layer(features_BCHW))
        return features_BCHW

    def _encode(self, image_B1HW: Tensor) -> Tensor:
        features_BCHW = F.relu(self.first(image_B1HW))
        for layer in self.dense:
            features_BCHW = torch.cat([features_BCHW, F.relu(layer(features_BCHW))], dim=1)
        return features_BCHW


# The authors' names of the layers.
_LAYERS = {
    "first": "conv1.conv2d",
    **{f"dense.{i}": f"DB1.denseblock.{i}.dense_conv.conv2d" for i in range(3)},
    **{f"decoder.{i}": f"conv{i + 2}.conv2d" for i in range(4)},
}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = torch.load(folder / _FILE, map_location="cpu", weights_only=True)
    return {f"{our}.{part}": theirs[f"{their}.{part}"] for our, their in _LAYERS.items() for part in ("weight", "bias")}


AUTHORS = Authors(DenseFuse, _read)
