"""DATFuse: dual attention residual modules around a small transformer.

W. Tang et al., "DATFuse: Infrared and Visible Image Fusion via Dual Attention Transformer", IEEE Trans.
Circuits and Systems for Video Technology 33(7), 2023, section III. 5x5 and 3x3, replicated borders, batch
normalisation, tanh at the end.

Two things of the authors' code are kept, because their weights were trained with them. Its transformer
works in windows of one token, where attention is the identity on the values: queries, keys and position
biases are in the file and change nothing. And the features (B, C, H, W) are taken for (B, H, W, C) without
moving a number, so that a token is 16 neighbours of one channel, not 16 channels of one pixel.

Legend of shape suffixes: B batch, H height, W width, N tokens, 1, 2 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "datfuse/model_10.pth"
_CHANNELS = 16
_BLOCKS = 2  # of the transformer


class _Features(nn.Module):
    """One 3x3 convolution with its batch normalisation, applied twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, padding_mode="replicate")
        self.bn = nn.BatchNorm2d(_CHANNELS)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        twice_BCHW: Tensor = self.bn(self.conv(self.bn(self.conv(features_BCHW)).relu()))
        return twice_BCHW


class _Block(nn.Module):
    """A transformer block, of which windows of one token leave the values and the perceptron."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(_CHANNELS), nn.LayerNorm(_CHANNELS)
        self.values = nn.Linear(_CHANNELS, _CHANNELS)
        self.proj = nn.Linear(_CHANNELS, _CHANNELS)
        self.mlp = nn.Sequential(nn.Linear(_CHANNELS, 4 * _CHANNELS), nn.GELU(), nn.Linear(4 * _CHANNELS, _CHANNELS))

    def forward(self, tokens_BNC: Tensor) -> Tensor:
        tokens_BNC = tokens_BNC + self.proj(self.values(self.norm1(tokens_BNC)))
        after_BNC: Tensor = tokens_BNC + self.mlp(self.norm2(tokens_BNC))
        return after_BNC


class DATFuse(nn.Module):
    """The network; its parameters carry the names of the authors' file, those of the transformer apart."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutional = nn.ModuleDict(
            {
                "conv": nn.Conv2d(2, _CHANNELS, 5, padding=2, padding_mode="replicate"),
                "bn": nn.BatchNorm2d(_CHANNELS),
            }
        )
        self.fem = _Features()
        self.cam = nn.Sequential(  # which channels
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(_CHANNELS, _CHANNELS // 4, 1),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS // 4, _CHANNELS, 1),
            nn.Sigmoid(),
        )
        self.sam = nn.Sequential(  # where
            nn.Conv2d(_CHANNELS, _CHANNELS // 4, 3, padding=1),
            nn.BatchNorm2d(_CHANNELS // 4),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS // 4, 1, 3, padding=1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )
        self.blocks = nn.Sequential(*(_Block() for _ in range(_BLOCKS)))
        self.out = nn.Conv2d(_CHANNELS, 1, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255."""
        pair_B2HW = torch.cat([infrared_B1HW, visible_B1HW], dim=1) / 255
        first_BCHW = F.relu(self.convolutional["bn"](self.convolutional["conv"](pair_B2HW)))
        encoded_BCHW = F.relu(self._attend(self.fem(first_BCHW)) + first_BCHW)
        tokens_BNC = encoded_BCHW.reshape(len(encoded_BCHW), -1, _CHANNELS)  # memory as it lies: see above
        features_BCHW = self.fem(self.blocks(tokens_BNC).reshape(encoded_BCHW.shape))
        fused_B1HW: Tensor = torch.tanh(self.out(self._attend(features_BCHW) + features_BCHW)) * 255
        return fused_B1HW

    def _attend(self, features_BCHW: Tensor) -> Tensor:
        attended_BCHW: Tensor = features_BCHW * self.cam(features_BCHW) + features_BCHW * self.sam(features_BCHW)
        return attended_BCHW


# Beginnings of our names, and of the authors'.
_LAYERS = {
    "convolutional.": "convolutional.",
    "fem.": "fem.",
    "cam.1.": "cam.fc.0.",
    "cam.3.": "cam.fc.2.",
    "sam.": "sam.body.",
    "out.": "convolutional_out.conv.",
    **{
        f"blocks.{block}.{our}.": f"basicLayer.blocks.{block}.{their}."
        for block in range(_BLOCKS)
        for our, their in (
            ("norm1", "norm1"),
            ("norm2", "norm2"),
            ("values", "attn.qkv"),
            ("proj", "attn.proj"),
            ("mlp.0", "mlp.fc1"),
            ("mlp.2", "mlp.fc2"),
        )
    },
}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    state = {
        our + name.removeprefix(their): value
        for our, their in _LAYERS.items()
        for name, value in theirs.items()
        if name.startswith(their)
    }
    for name in list(state):
        if ".values." in name:
            state[name] = state[name][2 * _CHANNELS :]  # queries and keys come first
    return state


AUTHORS = Authors(DATFuse, _read)
