"""DDcGAN: the generator of a conditional GAN whose two discriminators know one of the images each.

J. Ma et al., "DDcGAN: A Dual-Discriminator Conditional Generative Adversarial Network for Multi-Resolution Image
Fusion", IEEE Trans. Image Processing 29, 2020, section III: a densely connected encoder, a decoder; 3x3, reflected
borders, batch normalisation, tanh at the end. This is the network for infrared images of the visible image's size,
as its published graph has it, with what the paper does not show:

- the decoder's first convolution is applied twice, with one kernel and one bias;
- batch normalisation takes the statistics of the very image that is fused, never those gathered in training. So an
  image fuses to another result alone than in a batch or in tiles.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors
from text2pixels.methods.networks.tensorflow_checkpoint import read_checkpoint

_PREFIX = "ddcgan/model.ckpt"
_CHANNELS = 48
_DEPTH = 4  # densely connected layers after the first
_DECODER = (240, 128, 64, 32, 1)  # channels that its five convolutions give


class BatchStatistics(nn.Module):
    """Batch normalisation by the mean and the biased variance of the batch itself, also when fusing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Normalise each channel over batch and pixels."""
        # eps is TensorFlow's default.
        return F.batch_norm(features_BCHW, None, None, self.weight, self.bias, training=True, eps=1e-3)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class DDcGAN(nn.Module):
    """The generator."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (2, *(_CHANNELS * (i + 1) for i in range(_DEPTH)))
        self.encoder = nn.ModuleList(_convolution(channels, _CHANNELS) for channels in inputs)
        self.encoder_norms = nn.ModuleList(BatchStatistics(_CHANNELS) for _ in inputs)
        widths = (_CHANNELS * (_DEPTH + 1), *_DECODER)
        self.decoder = nn.ModuleList(_convolution(before, after) for before, after in pairwise(widths))
        self.decoder_norms = nn.ModuleList(BatchStatistics(channels) for channels in _DECODER[:-1])

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; so is the result."""
        features_BCHW = torch.cat([visible_B1HW, infrared_B1HW], dim=1) / 255
        for number, (layer, norm) in enumerate(zip(self.encoder, self.encoder_norms, strict=True)):
            new_BCHW = F.relu_(norm(layer(features_BCHW)))
            # The newest features come first; the input itself is not kept.
            features_BCHW = torch.cat([new_BCHW, features_BCHW], dim=1) if number else new_BCHW
        features_BCHW = F.relu_(self.decoder[0](features_BCHW))  # and once more below, then with its norm
        for layer, norm in zip(self.decoder[:-1], self.decoder_norms, strict=True):
            features_BCHW = F.relu_(norm(layer(features_BCHW)))
        return (torch.tanh(self.decoder[-1](features_BCHW)) / 2 + 0.5) * 255


# The authors' names of the layers. "Generator_1" is what TensorFlow made of a second scope of one name, and
# "conv2_1_1" of a second variable of one name.
_CONVOLUTIONS = {
    "encoder.0": "Generator/encoder/conv1_1",
    **{f"encoder.{i}": f"Generator/encoder/dense_block_conv{i}" for i in range(1, _DEPTH + 1)},
    **{
        f"decoder.{i}": f"Generator_1/decoder/{name}"
        for i, name in enumerate(("conv2_1", "conv2_1_1", "conv2_2", "conv2_3", "conv2_4"))
    },
}
_NORMS = {
    f"{part}_norms.{i}": f"Generator/{part}/b{i}/batch_normalization"
    for part, count in (("encoder", _DEPTH + 1), ("decoder", len(_DECODER) - 1))
    for i in range(count)
}


def _read(folder: Path) -> dict[str, Tensor]:
    """Read the generator; of the file's discriminators and optimisers, nothing."""
    theirs = read_checkpoint(folder / _PREFIX, wanted=lambda name: name.startswith(("Generator/", "Generator_1/")))
    state = {}
    for our, their in _CONVOLUTIONS.items():
        kernel_HWIO = theirs[f"{their}/kernel"]
        state[f"{our}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel_HWIO.transpose(3, 2, 0, 1)))
        state[f"{our}.bias"] = torch.from_numpy(theirs[f"{their}/bias"])
    for our, their in _NORMS.items():
        state[f"{our}.weight"] = torch.from_numpy(theirs[f"{their}/gamma"])
        state[f"{our}.bias"] = torch.from_numpy(theirs[f"{their}/beta"])
    return state


AUTHORS = Authors(DDcGAN, _read)
