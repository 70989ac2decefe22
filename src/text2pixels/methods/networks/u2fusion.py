"""U2Fusion: one densely connected network for several fusion tasks.

H. Xu et al., "U2Fusion: A Unified Unsupervised Image Fusion Network", IEEE Trans. Pattern Analysis and
Machine Intelligence 44(1), 2022 (online 2020), section 3.3: a convolution, five densely connected ones,
a decoder of four; 3x3, reflected borders, leaky ReLU 0.2, tanh at the end.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors
from text2pixels.methods.networks.tensorflow_checkpoint import read_checkpoint

_PREFIX = "u2fusion/model.ckpt"
_CHANNELS = 44
_SLOPE = 0.2


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class U2Fusion(nn.Module):
    """DenseNet encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(2, _CHANNELS)
        self.dense = nn.ModuleList(_convolution(_CHANNELS * (i + 1), _CHANNELS) for i in range(5))
        self.decoder = nn.ModuleList(
            _convolution(inputs, outputs) for inputs, outputs in ((_CHANNELS * 6, 128), (128, 64), (64, 32), (32, 1))
        )

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; so is the result."""
        features_BCHW = F.leaky_relu(self.first(torch.cat([visible_B1HW, infrared_B1HW], dim=1) / 255), _SLOPE)
        for layer in self.dense:
            # The newest features come first.
            features_BCHW = torch.cat([F.leaky_relu(layer(features_BCHW), _SLOPE), features_BCHW], dim=1)
        for layer in self.decoder[:-1]:
            features_BCHW = F.leaky_relu(layer(features_BCHW), _SLOPE)
        return (torch.tanh(self.decoder[-1](features_BCHW)) / 2 + 0.5) * 255


# The authors' names of the layers; "Generator_1" is what TensorFlow made of a second scope of one name.
_LAYERS = {
    "first": "Generator/encoder/conv1_1",
    **{f"dense.{i}": f"Generator/encoder/dense_block_conv{i + 1}" for i in range(5)},
    **{f"decoder.{i}": f"Generator_1/decoder/conv2_{i + 1}" for i in range(4)},
}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_checkpoint(folder / _PREFIX)
    state = {}
    for our, their in _LAYERS.items():
        kernel_HWIO = theirs[f"{their}/kernel"]
        state[f"{our}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel_HWIO.transpose(3, 2, 0, 1)))
        state[f"{our}.bias"] = torch.from_numpy(theirs[f"{their}/bias"])
    return state


AUTHORS = Authors(U2Fusion, _read)
