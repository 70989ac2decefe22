"""Multi-level feature extractor, equation (1).

Shapes: B batch; C channels; H, W the grid that the extractor runs on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = 6


class Extractor(nn.Module):
    """Six densely connected 3x3 blocks without dilation, summed with a learned weight per channel.

    Block i reads the input and the outputs of all blocks before it.

    Args:
        channels: of the input, of every block and of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Conv2d(channels * (i + 1), channels, kernel_size=3, padding=1) for i in range(BLOCKS)
        )
        # W_i and b_i. 1/sqrt(6) keeps the variance of the sum at that of one block.
        self.weight_6C11 = nn.Parameter(torch.full((BLOCKS, channels, 1, 1), BLOCKS**-0.5))
        self.bias_6C11 = nn.Parameter(torch.zeros(BLOCKS, channels, 1, 1))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Return f_out, (B, C, H, W), not negative."""
        stack = features_BCHW
        # (1) f_out = ReLU(sum_i W_i * G_i + b_i)
        total_BCHW = self.bias_6C11.sum(dim=0).expand_as(features_BCHW)
        for i, block in enumerate(self.blocks):
            level_BCHW = F.relu(block(stack), inplace=True)
            total_BCHW = torch.addcmul(total_BCHW, level_BCHW, self.weight_6C11[i])
            if i + 1 < BLOCKS:
                stack = torch.cat((stack, level_BCHW), dim=1)
        return F.relu(total_BCHW)
