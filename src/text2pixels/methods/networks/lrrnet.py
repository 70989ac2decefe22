"""LRRNet: low-rank and sparse parts of each image by unrolled optimisation, fused apart.

H. Li et al., "LRRNet: A Novel Representation Learning Guided Fusion Network for Infrared and Visible
Images", IEEE Trans. Pattern Analysis and Machine Intelligence 45(9), 2023, sections 3.2 and 3.3. For each
image four steps of a learned iterative shrinkage (LISTA) find codes of 256 channels: the first half the
low-rank part, the other the sparse part. 3x3, reflected borders, no activation but the shrinkage.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "lrrnet/lrrnet.model"
_HALF = 128  # channels of either part
_STEPS = 4
_EPSILON = 1e-5


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _normalise(image_B1HW: Tensor) -> Tensor:
    """Stretch each image to [0, 1], as the authors do before the network."""
    low_B111, high_B111 = (limit(image_B1HW, dim=(1, 2, 3), keepdim=True) for limit in (torch.amin, torch.amax))
    return (image_B1HW - low_B111) / (high_B111 - low_B111 + _EPSILON)


class _Step(nn.Module):
    """One step of the optimisation: z := shrink(lambda z + W (x - D z))."""

    def __init__(self) -> None:
        super().__init__()
        self.reconstruct = _convolution(2 * _HALF, 1)
        self.correct = _convolution(1, 2 * _HALF)

    def forward(self, image_B1HW: Tensor, code_BCHW: Tensor, keep_11: Tensor) -> Tensor:
        corrected_BCHW: Tensor = keep_11 * code_BCHW + self.correct(image_B1HW - self.reconstruct(code_BCHW))
        return corrected_BCHW


class _Decomposition(nn.Module):
    """An image to its low-rank and its sparse part."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(1, 2 * _HALF)
        self.threshold = nn.Parameter(torch.zeros(1, 2 * _HALF))
        self.keep = nn.Parameter(torch.ones(1, 1))
        self.steps = nn.ModuleList(_Step() for _ in range(_STEPS))

    def forward(self, image_B1HW: Tensor) -> tuple[Tensor, Tensor]:
        code_BCHW = self._shrink(self.first(image_B1HW))
        for step in self.steps:
            code_BCHW = self._shrink(step(image_B1HW, code_BCHW, self.keep))
        return code_BCHW[:, :_HALF], code_BCHW[:, _HALF:]

    def _shrink(self, code_BCHW: Tensor) -> Tensor:
        return code_BCHW.sign() * (code_BCHW.abs() - self.threshold[..., None, None]).clamp(min=0)


class LRRNet(nn.Module):
    """Decomposition of both images, a decoder for each part."""

    def __init__(self) -> None:
        super().__init__()
        self.infrared, self.visible = _Decomposition(), _Decomposition()
        self.parts = nn.ModuleDict(
            {f"{side}_{part}": _convolution(_HALF, 1) for side in ("infrared", "visible") for part in ("low", "sparse")}
        )
        self.low, self.sparse = _convolution(2, 1), _convolution(2, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images of any range; the result is about in 0..255, and is stretched before it is saved."""
        ir_low_BCHW, ir_sparse_BCHW = self.infrared(_normalise(infrared_B1HW))
        vis_low_BCHW, vis_sparse_BCHW = self.visible(_normalise(visible_B1HW))
        low_BCHW = torch.cat([self.parts["infrared_low"](ir_low_BCHW), self.parts["visible_low"](vis_low_BCHW)], dim=1)
        sparse_BCHW = torch.cat(
            [self.parts["infrared_sparse"](ir_sparse_BCHW), self.parts["visible_sparse"](vis_sparse_BCHW)], dim=1
        )
        fused_B1HW: Tensor = (self.low(low_BCHW) + self.sparse(sparse_BCHW)) * 255
        return fused_B1HW


# The authors' names of the layers, each before ".conv2d".
_LAYERS = {
    **{f"{side}.first": f"get_ls{number}.conv_W00" for number, side in ((1, "infrared"), (2, "visible"))},
    **{
        f"{side}.steps.{step}.{our}": f"get_ls{number}.lrrblock{step}.{their}"
        for number, side in ((1, "infrared"), (2, "visible"))
        for step in range(_STEPS)
        for our, their in (("reconstruct", "conv_Wdz"), ("correct", "conv_Wdtz"))
    },
    "parts.infrared_low": "decoder.conv_ReZx",
    "parts.infrared_sparse": "decoder.conv_ReUx",
    "parts.visible_low": "decoder.conv_ReZy",
    "parts.visible_sparse": "decoder.conv_ReUy",
    "low": "decoder.conv_ReL",
    "sparse": "decoder.conv_ReH",
}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    state = {
        f"{our}.{part}": theirs[f"{their}.conv2d.{part}"]
        for our, their in _LAYERS.items()
        for part in ("weight", "bias")
    }
    for number, side in ((1, "infrared"), (2, "visible")):
        state[f"{side}.threshold"] = theirs[f"get_ls{number}.lamj"]
        state[f"{side}.keep"] = theirs[f"get_ls{number}.lamz"]
    return state


AUTHORS = Authors(LRRNet, _read)
