"""SDNet: squeeze both images into one, which during training must decompose into them again.

H. Zhang, J. Ma, "SDNet: A Versatile Squeeze-and-Decomposition Network for Real-Time Image Fusion",
International Journal of Computer Vision 129, 2021, section 3.3. Fusing needs the squeeze half alone: two
streams of four densely connected layers (5x5, then 3x3; zero padding; leaky ReLU 0.2) and a 1x1
convolution with tanh.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors
from text2pixels.methods.networks.tensorflow_checkpoint import read_checkpoint

_PREFIX = "sdnet/IRVIS.model-10"
_SLOPE = 0.2


class _Stream(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 5, padding=2)
        self.dense = nn.ModuleList(nn.Conv2d(16 * (i + 1), 16, 3, padding=1) for i in range(3))

    def forward(self, image_B1HW: Tensor) -> list[Tensor]:
        features = [F.leaky_relu(self.first(image_B1HW), _SLOPE)]
        for layer in self.dense:
            features.append(F.leaky_relu(layer(torch.cat(features, dim=1)), _SLOPE))
        return features


class SDNet(nn.Module):
    """The squeeze half of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.infrared = _Stream()
        self.visible = _Stream()
        self.squeeze = nn.Conv2d(128, 1, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; so is the result."""
        streams = zip(self.infrared(_centre(infrared_B1HW)), self.visible(_centre(visible_B1HW)), strict=True)
        features_BCHW = torch.cat([features for layer in streams for features in layer], dim=1)
        fused_B1HW: Tensor = torch.tanh(self.squeeze(features_BCHW)) * 127.5 + 127.5
        return fused_B1HW


def _centre(image: Tensor) -> Tensor:
    return (image - 127.5) / 127.5


def _layers(stream: str, side: str) -> dict[str, tuple[str, str]]:
    ours = ("first", "dense.0", "dense.1", "dense.2")
    return {f"{stream}.{our}": (f"layer{i}_{side}", f"{i}_{side}") for i, our in enumerate(ours, start=1)}


# The authors' names of the layers: scope, suffix.
_LAYERS = _layers("infrared", "ir") | _layers("visible", "vi") | {"squeeze": ("layer5_fuse", "5_fuse")}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_checkpoint(folder / _PREFIX)
    state = {}
    for our, (scope, suffix) in _LAYERS.items():
        kernel_HWIO = theirs[f"fusion_model/{scope}/w{suffix}"]
        state[f"{our}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel_HWIO.transpose(3, 2, 0, 1)))
        state[f"{our}.bias"] = torch.from_numpy(theirs[f"fusion_model/{scope}/b{suffix}"])
    return state


AUTHORS = Authors(SDNet, _read)
