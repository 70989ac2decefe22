"""MUFusion: an encoder and decoder on two scales, trained with its own earlier results as memory.

C. Cheng, T. Xu, X.-J. Wu, "MUFusion: A general unsupervised image fusion network based on memory unit",
Information Fusion 92, 2023, section 3. 3x3, reflected borders, ReLU, tanh at the end. The authors fuse tiles
of 128 pixels that overlap by four, and take the mean where they do; a smaller image is reflected up to one.

Legend of shape suffixes: B batch, H height, W width, 1, 2 and C channels.
"""

from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "mufusion/RoadScene.model"
_TILE = 128
_STEP = _TILE - 4


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, padding_mode="reflect")


class MUFusion(nn.Module):
    """The network; its parameters carry the names of the authors' file."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _convolution(2, 32), _convolution(32, 32), _convolution(64, 64, stride=2)
        self.conv4, self.conv5, self.conv6 = _convolution(64, 64), _convolution(128, 64), _convolution(192, 64)
        self.conv66, self.conv55, self.conv44 = _convolution(64, 64), _convolution(128, 64), _convolution(128, 64)
        self.conv33, self.conv22, self.conv11 = _convolution(128, 64), _convolution(96, 32), _convolution(64, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255, and is stretched before it is saved."""
        height, width = infrared_B1HW.shape[2:]
        pair_B2HW = _enlarge(torch.cat([infrared_B1HW, visible_B1HW], dim=1) / 255)
        summed_B1HW = torch.zeros_like(pair_B2HW[:, :1])
        times_B1HW = torch.zeros_like(summed_B1HW)
        for top, left in _corners(*pair_B2HW.shape[2:]):
            rows, columns = slice(top, top + _TILE), slice(left, left + _TILE)
            summed_B1HW[:, :, rows, columns] += self._fuse(pair_B2HW[:, :, rows, columns])
            times_B1HW[:, :, rows, columns] += 1
        return (summed_B1HW / times_B1HW)[:, :, :height, :width] * 255

    def _fuse(self, pair_B2HW: Tensor) -> Tensor:
        """Fuse one tile; the result is in -1..1."""
        whole1 = self.conv1(pair_B2HW).relu()
        whole2 = self.conv2(whole1).relu()
        half3 = self.conv3(torch.cat([whole1, whole2], dim=1)).relu()
        half4 = self.conv4(half3).relu()
        half5 = self.conv5(torch.cat([half3, half4], dim=1)).relu()
        half6 = self.conv6(torch.cat([half3, half4, half5], dim=1)).relu()
        half = self.conv66(half6).relu()
        half = self.conv55(torch.cat([half5, half], dim=1)).relu()
        half = self.conv44(torch.cat([half4, half], dim=1)).relu()
        half = self.conv33(torch.cat([half3, half], dim=1)).relu()
        whole = F.interpolate(half, scale_factor=2, mode="bicubic")
        whole = self.conv22(torch.cat([whole2, whole], dim=1)).relu()
        fused_B1HW: Tensor = self.conv11(torch.cat([whole1, whole], dim=1)).tanh()
        return fused_B1HW


def _corners(height: int, width: int) -> list[tuple[int, int]]:
    """Return the upper left corners of the tiles; one at the far border that is a step, too, counts twice."""
    tops, lefts = (range(0, side - _TILE + 1, _STEP) for side in (height, width))
    bottom, right = height - _TILE, width - _TILE
    return [*product(tops, lefts), *product(tops, [right]), *product([bottom], lefts), (bottom, right)]


def _enlarge(pair_B2HW: Tensor) -> Tensor:
    """Reflect the lower and right border until a tile fits; one reflection at most doubles a side."""
    while (missing := [max(0, _TILE - side) for side in pair_B2HW.shape[:1:-1]]) != [0, 0]:
        right, bottom = (min(gap, side - 1) for gap, side in zip(missing, pair_B2HW.shape[:1:-1], strict=True))
        pair_B2HW = F.pad(pair_B2HW, (0, right, 0, bottom), mode="reflect")
    return pair_B2HW


def _read(folder: Path) -> dict[str, Tensor]:
    return {name.replace(".1.", "."): value for name, value in read_torch_file(folder / _FILE).items()}


AUTHORS = Authors(MUFusion, _read)
