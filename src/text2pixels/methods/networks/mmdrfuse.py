"""MMDRFuse: two convolutions of 113 parameters, distilled from a larger network.

Y. Deng et al., "MMDRFuse: Distilled Mini-Model with Dynamic Refresh for Multi-Modality Image Fusion", ACM
Multimedia 2024, section 3: the student. 3x3, reflected borders, ReLU, tanh at the end.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "mmdrfuse/student.model"


class MMDRFuse(nn.Module):
    """The student network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(4, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255, and is stretched before it is saved."""
        features_BCHW = self.conv1(torch.cat([infrared_B1HW, visible_B1HW], dim=1) / 255).relu()
        fused_B1HW: Tensor = self.conv2(features_BCHW).tanh() * 255
        return fused_B1HW


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    return {
        f"{layer}.{part}": theirs[f"{layer}.1.{part}"] for layer in ("conv1", "conv2") for part in ("weight", "bias")
    }


AUTHORS = Authors(MMDRFuse, _read)
