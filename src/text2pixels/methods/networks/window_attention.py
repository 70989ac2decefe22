"""Parts that GIFNet and TextFusion share: attention in windows of 8x8 pixels beside a depthwise convolution.

Both take them from Y. Song et al., "Vision Transformers for Single Image Dehazing", IEEE Trans. Image
Processing 32, 2023, section III: a layer normalisation over the whole image whose mean and deviation come
back after the attention, position biases from a small perceptron, borders reflected instead of rolled over.

Legend of shape suffixes: B batch, H height, W width, C channels, n windows, h heads, T pixels of a window,
d channels of a head.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WINDOW = 8
_HEADS = 2
_HIDDEN = 256  # of the perceptron for position biases
_EPSILON = 1e-5


class Normalised(NamedTuple):
    """Normalised features, and what gives them their scale and level back."""

    features_BCHW: Tensor
    scale_BC11: Tensor
    level_BC11: Tensor


class RevisedLayerNorm(nn.Module):
    """Layer normalisation over all channels and pixels; remembers what it took away."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.meta1, self.meta2 = nn.Conv2d(1, channels, 1), nn.Conv2d(1, channels, 1)

    def forward(self, features_BCHW: Tensor) -> Normalised:
        """Normalise features of any size."""
        mean_B111 = features_BCHW.mean(dim=(1, 2, 3), keepdim=True)
        variance_B111 = (features_BCHW - mean_B111).square().mean(dim=(1, 2, 3), keepdim=True)
        deviation_B111 = (variance_B111 + _EPSILON).sqrt()
        normalised_BCHW = (features_BCHW - mean_B111) / deviation_B111 * self.weight + self.bias
        return Normalised(normalised_BCHW, self.meta1(deviation_B111), self.meta2(mean_B111))


class WindowAttention(nn.Module):
    """Softmax attention of two heads inside windows, which a shift moves by that many pixels up and left."""

    relative_positions: Tensor

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self.shift = shift
        self.register_buffer("relative_positions", torch.zeros(_WINDOW**2, _WINDOW**2, 2))
        self.meta = nn.Sequential(nn.Linear(2, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HEADS))

    def forward(self, queries_BCHW: Tensor, keys_BCHW: Tensor, values_BCHW: Tensor) -> Tensor:
        """Attend; what comes out has the size of the values."""
        height, width = values_BCHW.shape[2:]
        queries, keys, values = (self._windows(each) for each in (queries_BCHW, keys_BCHW, values_BCHW))
        bias_hTT = self.meta(self.relative_positions).permute(2, 0, 1)
        attended_nhTd = F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias_hTT[None])
        rows = -(-(height + self.shift) // _WINDOW)
        whole_BCHW = _join(attended_nhTd, len(values_BCHW), rows)
        return whole_BCHW[:, :, self.shift : self.shift + height, self.shift : self.shift + width]

    def _windows(self, features_BCHW: Tensor) -> Tensor:
        """Return the windows, (n, h, T, d); what the last ones lack is reflected."""
        height, width = features_BCHW.shape[2:]
        bottom, right = (-(self.shift + side) % _WINDOW for side in (height, width))
        padded_BCHW = F.pad(features_BCHW, (self.shift, right, self.shift, bottom), mode="reflect")
        batch, channels, height, width = padded_BCHW.shape
        split = padded_BCHW.reshape(
            batch, _HEADS, channels // _HEADS, height // _WINDOW, _WINDOW, width // _WINDOW, _WINDOW
        )
        return split.permute(0, 3, 5, 1, 4, 6, 2).reshape(-1, _HEADS, _WINDOW**2, channels // _HEADS)


def _join(windows_nhTd: Tensor, batch: int, rows: int) -> Tensor:
    """Put windows back where they were: (B, C, H, W)."""
    count, heads, _, channels = windows_nhTd.shape
    columns = count // (batch * rows)
    split = windows_nhTd.reshape(batch, rows, columns, heads, _WINDOW, _WINDOW, channels)
    joined_BCHW = split.permute(0, 3, 6, 1, 4, 2, 5)
    return joined_BCHW.reshape(batch, heads * channels, rows * _WINDOW, columns * _WINDOW)


class Stream(nn.Module):
    """What a block does to the features of one source; the attention itself may look at another's.

    Args:
        channels: Of the features.
        attends: Whether this source asks, and has keys.
    """

    def __init__(self, channels: int, attends: bool = True) -> None:
        super().__init__()
        self.norm = RevisedLayerNorm(channels)
        self.value = nn.Conv2d(channels, channels, 1)
        self.query_key = nn.Conv2d(channels, 2 * channels, 1) if attends else None
        self.local = nn.Conv2d(channels, channels, 5, padding=2, padding_mode="reflect", groups=channels)
        self.project = nn.Conv2d(channels, channels, 1)
        self.perceptron = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1)
        )

    def queries_and_keys(self, normalised: Normalised) -> tuple[Tensor, Tensor]:
        """Return what this source asks and what it is asked for, (B, C, H, W) each."""
        assert self.query_key is not None, "of a stream that attends"
        queries_BCHW, keys_BCHW = self.query_key(normalised.features_BCHW).chunk(2, dim=1)
        return queries_BCHW, keys_BCHW

    def add(self, features_BCHW: Tensor, normalised: Normalised, values_BCHW: Tensor, attended_BCHW: Tensor) -> Tensor:
        """Return the features after attention, convolution and perceptron."""
        mixed_BCHW = self.project(self.local(values_BCHW) + attended_BCHW)
        features_BCHW = features_BCHW + mixed_BCHW * normalised.scale_BC11 + normalised.level_BC11
        after_BCHW: Tensor = features_BCHW + self.perceptron(features_BCHW)
        return after_BCHW


def pad_to_multiple(features_BCHW: Tensor, multiple: int = 4) -> Tensor:
    """Reflect the lower and right border until both sides are multiples."""
    height, width = features_BCHW.shape[2:]
    return F.pad(features_BCHW, (0, -width % multiple, 0, -height % multiple), mode="reflect")
