"""IFCNN: convolutional features of each image, their maximum, sum or mean, a reconstruction.

Y. Zhang et al., "IFCNN: A general image fusion framework based on convolutional neural network",
Information Fusion 54, 2020, section 3. A network of RGB images with replicated borders; gray images are
replicated to three channels, and the three that come out are truncated to 8 bits and turned gray.

Legend of shape suffixes: B batch, H height, W width, 1, 3 and C channels.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors

_STRATEGIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": torch.maximum,
    "sum": torch.add,
    "mean": lambda one, other: (one + other) / 2,
}


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="replicate", bias=False)
        self.bn = nn.BatchNorm2d(64)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        normalised_BCHW: Tensor = self.bn(self.conv(features_BCHW))
        return normalised_BCHW.relu_()


class IFCNN(nn.Module):
    """The network; its parameters carry the names of the authors' files."""

    def __init__(self, strategy: str) -> None:
        super().__init__()
        self.strategy = strategy
        self.conv1 = nn.Conv2d(3, 64, 7, padding=3, padding_mode="replicate", bias=False)
        self.conv2 = _Block()
        self.conv3 = _Block()
        self.conv4 = nn.Conv2d(64, 3, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result has three channels on about that scale."""
        visible_BCHW, infrared_BCHW = (
            self.conv2(self.conv1(image_B1HW.expand(-1, 3, -1, -1) / 255))
            for image_B1HW in (visible_B1HW, infrared_B1HW)
        )
        fused_BCHW = _STRATEGIES[self.strategy](visible_BCHW, infrared_BCHW)
        fused_B3HW: Tensor = self.conv4(self.conv3(fused_BCHW)) * 255
        return fused_B3HW


def _authors(strategy: str) -> Authors:
    def read(folder: Path) -> dict[str, Tensor]:
        file = folder / "ifcnn" / f"IFCNN-{strategy.upper()}.pth"
        state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        return state

    return Authors(lambda: IFCNN(strategy), read)


MAX, SUM, MEAN = (_authors(strategy) for strategy in _STRATEGIES)
