"""What the phrases look at: features that tell objects apart.

The features that blend two cameras see edges, details and warmth, and know hardly more of an object than that there is
one. So text has a look of its own at the pair, which its boxes teach: see `training.text`.

Shapes: B batch; H, W image; C channels; E token width; h, w token grid (1/8).
"""

import torch.nn.functional as F
from torch import Tensor, nn

_DILATIONS = (1, 2, 3, 2, 1)  # of the blocks: together they see 14 tokens to each side


class Recogniser(nn.Module):
    """Convolutions down to tokens, then residual blocks that see further.

    Args:
        channels: Of the features at quarter resolution; half as many at half.
        width: Of the tokens, E.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.to_half = nn.Conv2d(2, channels // 2, kernel_size=4, stride=2, padding=1)
        self.to_quarter = nn.Conv2d(channels // 2, channels, kernel_size=3, stride=2, padding=1)
        self.at_quarter = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.to_eighth = nn.Conv2d(channels, width, kernel_size=2, stride=2)
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in _DILATIONS)

    def forward(self, pair_B2HW: Tensor) -> Tensor:
        """Return tokens (B, h, w, E) of infrared and visible luminance in [0, 1]; H and W are multiples of 8."""
        features = F.gelu(self.to_half(2 * pair_B2HW - 1))
        features = F.gelu(self.at_quarter(F.gelu(self.to_quarter(features))))
        features = self.to_eighth(features)
        for block in self.blocks:
            features = block(features)
        tokens_BhwE: Tensor = features.permute(0, 2, 3, 1)
        return tokens_BhwE


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        # Over the channels of each token: to normalise over the image would let tiles of one image differ.
        self.norm = nn.LayerNorm(width)
        self.first = nn.Conv2d(width, width, kernel_size=3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, features_BEhw: Tensor) -> Tensor:
        normalised_BEhw = self.norm(features_BEhw.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        added_BEhw: Tensor = self.second(F.gelu(self.first(normalised_BEhw)))
        return features_BEhw + added_BEhw
