"""Equation (1)."""

import torch
import torch.nn.functional as F

from text2pixels.network.extractor import BLOCKS, Extractor


def literal(extractor: Extractor, features: torch.Tensor) -> torch.Tensor:
    """f_out = ReLU(sum_i W_i * G_i + b_i), block by block, each reading everything before it."""
    outputs = [features]
    total = torch.zeros_like(features)
    for i in range(6):
        block = extractor.blocks[i]
        outputs.append(F.relu(F.conv2d(torch.cat(outputs, dim=1), block.weight, block.bias, padding=1)))
        for channel in range(features.shape[1]):
            weight, bias = extractor.weight_6C11[i, channel, 0, 0], extractor.bias_6C11[i, channel, 0, 0]
            total[:, channel] += weight * outputs[-1][:, channel] + bias
    return F.relu(total)


def test_is_equation_1():
    torch.manual_seed(0)
    extractor = Extractor(4)
    torch.nn.init.normal_(extractor.weight_6C11)
    torch.nn.init.normal_(extractor.bias_6C11)
    features = torch.rand(2, 4, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(extractor(features), literal(extractor, features), atol=1e-5, rtol=1e-5)


def test_has_six_undilated_3x3_blocks_densely_connected():
    blocks = Extractor(4).blocks
    assert len(blocks) == BLOCKS == 6
    assert all(block.kernel_size == (3, 3) and block.dilation == (1, 1) for block in blocks)
    assert [block.in_channels for block in blocks] == [4, 8, 12, 16, 20, 24]
