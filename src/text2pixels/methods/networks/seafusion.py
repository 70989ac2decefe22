"""SeAFusion: two streams of gradient residual dense blocks, and a decoder, trained with a segmentation network.

L. Tang, J. Yuan, J. Ma, "Image fusion in the loop of high-level vision tasks: A semantic-aware real-time
infrared and visible image fusion network", Information Fusion 82, 2022, section 3.3. 3x3, zero padding,
leaky ReLU, tanh / 2 + 0.5 at the end. The decoder's batch normalisation is in the authors' file and in no
path through their network, so it is not here.

The authors give the fused luminance the chroma of the visible, clip, and stretch the three channels together
before they save, so this is a network of RGB images.

Legend of shape suffixes: B batch, H height, W width, 1, 3 and C channels.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "seafusion/SeAFusion.pth"


class _GradientBlock(nn.Module):
    """Gradient residual dense block: two densely connected layers beside the gradient of their input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.ModuleList(nn.Conv2d(inputs * count, inputs, 3, padding=1) for count in (1, 2))
        self.narrow = nn.Conv2d(3 * inputs, outputs, 1)
        # Sobel's operators when training began; the authors' file has what became of them.
        self.horizontal, self.vertical = (
            nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False) for _ in range(2)
        )
        self.widen = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        dense_BCHW = features_BCHW
        for layer in self.dense:
            dense_BCHW = torch.cat([dense_BCHW, F.leaky_relu(layer(dense_BCHW), 0.2)], dim=1)
        gradient_BCHW = self.horizontal(features_BCHW).abs() + self.vertical(features_BCHW).abs()
        return F.leaky_relu(self.narrow(dense_BCHW) + self.widen(gradient_BCHW), 0.1)


class _Stream(nn.Module):
    """One image to 48 channels of features."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.blocks = nn.Sequential(_GradientBlock(16, 32), _GradientBlock(32, 48))

    def forward(self, image_B1HW: Tensor) -> Tensor:
        features_BCHW: Tensor = self.blocks(F.leaky_relu(self.first(image_B1HW), 0.2))
        return features_BCHW


class SeAFusion(nn.Module):
    """The fusion network."""

    def __init__(self) -> None:
        super().__init__()
        self.infrared, self.visible = _Stream(), _Stream()
        self.decoder = nn.ModuleList(nn.Conv2d(*widths, 3, padding=1) for widths in pairwise((96, 64, 32, 16, 1)))

    def forward(self, infrared_B1HW: Tensor, visible_B3HW: Tensor) -> Tensor:
        """Fuse an infrared and an RGB image in 0..255; so is the RGB result, which is stretched before it is saved."""
        red_B1HW, green_B1HW, blue_B1HW = torch.chunk(visible_B3HW / 255, 3, dim=1)
        y_B1HW = 0.299 * red_B1HW + 0.587 * green_B1HW + 0.114 * blue_B1HW
        cr_B1HW, cb_B1HW = (red_B1HW - y_B1HW) * 0.713, (blue_B1HW - y_B1HW) * 0.564
        fused_B1HW = self._fuse(infrared_B1HW / 255, y_B1HW)
        channels = (
            fused_B1HW + 1.403 * cr_B1HW,
            fused_B1HW - 0.714 * cr_B1HW - 0.344 * cb_B1HW,
            fused_B1HW + 1.773 * cb_B1HW,
        )
        return torch.cat(channels, dim=1).clamp(0, 1) * 255

    def _fuse(self, infrared_B1HW: Tensor, y_B1HW: Tensor) -> Tensor:
        features_BCHW = torch.cat([self.visible(y_B1HW), self.infrared(infrared_B1HW)], dim=1)
        for layer in self.decoder[:-1]:
            features_BCHW = F.leaky_relu(layer(features_BCHW), 0.2)
        return torch.tanh(self.decoder[-1](features_BCHW)) / 2 + 0.5


# The authors' names of the layers.
_LAYERS = {
    f"{our}.{layer}": f"{their}_{name}"
    for our, their in (("infrared", "inf"), ("visible", "vis"))
    for layer, name in (
        ("first", "conv.conv"),
        *(
            (f"blocks.{block}.{part}", f"rgbd{block + 1}.{theirs}")
            for block in range(2)
            for part, theirs in (
                ("dense.0", "dense.conv1.conv"),
                ("dense.1", "dense.conv2.conv"),
                ("narrow", "convdown.conv"),
                ("horizontal", "sobelconv.convx"),
                ("vertical", "sobelconv.convy"),
                ("widen", "convup.conv"),
            )
        ),
    )
} | {f"decoder.{index}": f"decode{4 - index}.conv" for index in range(4)}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    return {
        f"{our}.{part}": theirs[f"{their}.{part}"]
        for our, their in _LAYERS.items()
        for part in ("weight", "bias")
        if f"{their}.{part}" in theirs  # Sobel's operators have no bias
    }


AUTHORS = Authors(SeAFusion, _read)
