"""CDDFuse: a transformer for what two images share, invertible networks for what only one of them has.

Z. Zhao et al., "CDDFuse: Correlation-Driven Dual-Branch Feature Decomposition for Multi-Modality Image Fusion",
CVPR 2023, section 3. One encoder takes each image apart into base and detail features; the sums of both images'
features go through a layer of their own and, with the visible image added, through the decoder. The modules carry
the names of the authors' file.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels; h heads, c channels of a head, N pixels.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "cddfuse/CDDFuse_IVF.pth"
_DIM = 64
_HEADS = 8
_BLOCKS = 4  # Restormer blocks of the encoder, and of the decoder
_NODES = 3  # invertible ones of the encoder


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)


class _ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.LayerNorm(_DIM)  # eps 1e-5, biased variance

    def forward(self, features_BCHW: Tensor) -> Tensor:
        normalised_BHWC: Tensor = self.body(features_BCHW.permute(0, 2, 3, 1))
        return normalised_BHWC.permute(0, 3, 1, 2).contiguous()


def _attend(qkv_BCHW: Tensor, temperature: Tensor) -> Tensor:
    """Return attention between the channels of each head: its cost is linear in the pixels."""
    batch, _, height, width = qkv_BCHW.shape
    q_BhcN, k_BhcN, v_BhcN = qkv_BCHW.view(batch, 3, _HEADS, _DIM // _HEADS, height * width).unbind(1)
    q_BhcN, k_BhcN = F.normalize(q_BhcN, dim=-1), F.normalize(k_BhcN, dim=-1)
    weights_Bhcc = (q_BhcN @ k_BhcN.transpose(-2, -1) * temperature).softmax(dim=-1)
    return (weights_Bhcc @ v_BhcN).view(batch, _DIM, height, width)


class _Attention(nn.Module):
    """Restormer's: queries, keys and values each see their own channel's neighbourhood."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(_HEADS, 1, 1))
        self.qkv = _pointwise(_DIM, 3 * _DIM)
        self.qkv_dwconv = nn.Conv2d(3 * _DIM, 3 * _DIM, 3, padding=1, groups=3 * _DIM, bias=False)
        self.project_out = _pointwise(_DIM, _DIM)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        attended_BCHW: Tensor = self.project_out(_attend(self.qkv_dwconv(self.qkv(features_BCHW)), self.temperature))
        return attended_BCHW


class _BaseAttention(nn.Module):
    """The same on queries, keys and values that see all channels of the neighbourhood."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(_HEADS, 1, 1))
        self.qkv1 = _pointwise(_DIM, 3 * _DIM)
        self.qkv2 = nn.Conv2d(3 * _DIM, 3 * _DIM, 3, padding=1, bias=False)
        self.proj = _pointwise(_DIM, _DIM)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        attended_BCHW: Tensor = self.proj(_attend(self.qkv2(self.qkv1(features_BCHW)), self.scale))
        return attended_BCHW


class _GatedFeedForward(nn.Module):
    def __init__(self, expansion: int, groups: int) -> None:
        super().__init__()
        hidden = _DIM * expansion
        self.project_in = _pointwise(_DIM, 2 * hidden)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=groups, bias=False)
        self.project_out = _pointwise(hidden, _DIM)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        gate_BCHW, value_BCHW = self.dwconv(self.project_in(features_BCHW)).chunk(2, dim=1)
        result_BCHW: Tensor = self.project_out(F.gelu(gate_BCHW) * value_BCHW)
        return result_BCHW


class _RestormerBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attn = _ChannelNorm(), _Attention()
        self.norm2, self.ffn = _ChannelNorm(), _GatedFeedForward(expansion=2, groups=4 * _DIM)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        features_BCHW = features_BCHW + self.attn(self.norm1(features_BCHW))
        added_BCHW: Tensor = self.ffn(self.norm2(features_BCHW))
        return features_BCHW + added_BCHW


class BaseFeatures(nn.Module):
    """What the images share: a block of attention over all of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attn = _ChannelNorm(), _BaseAttention()
        # In groups of two channels: not depthwise, whatever the authors' name for the layer says.
        self.norm2, self.mlp = _ChannelNorm(), _GatedFeedForward(expansion=1, groups=_DIM)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Return features of the same shape."""
        features_BCHW = features_BCHW + self.attn(self.norm1(features_BCHW))
        added_BCHW: Tensor = self.mlp(self.norm2(features_BCHW))
        return features_BCHW + added_BCHW


class _Bottleneck(nn.Module):
    """An inverted residual block, without the residual."""

    def __init__(self) -> None:
        super().__init__()
        half = _DIM // 2
        self.bottleneckBlock = nn.Sequential(
            _pointwise(half, 2 * half),
            nn.ReLU6(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(2 * half, 2 * half, 3, groups=2 * half, bias=False),
            nn.ReLU6(inplace=True),
            _pointwise(2 * half, half),
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        result_BCHW: Tensor = self.bottleneckBlock(features_BCHW)
        return result_BCHW


class _Coupling(nn.Module):
    """An affine coupling: each half of the channels is moved by the other, so nothing is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.theta_phi, self.theta_rho, self.theta_eta = _Bottleneck(), _Bottleneck(), _Bottleneck()
        self.shffleconv = nn.Conv2d(_DIM, _DIM, 1)  # spelled as in the authors' file

    def forward(self, features_BCHW: Tensor) -> Tensor:
        z1_BCHW, z2_BCHW = self.shffleconv(features_BCHW).chunk(2, dim=1)
        z2_BCHW = z2_BCHW + self.theta_phi(z1_BCHW)
        z1_BCHW = z1_BCHW * torch.exp(self.theta_rho(z2_BCHW)) + self.theta_eta(z2_BCHW)
        return torch.cat([z1_BCHW, z2_BCHW], dim=1)


class DetailFeatures(nn.Module):
    """What only one image has: couplings in a row."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*(_Coupling() for _ in range(nodes)))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Return features of the same shape."""
        result_BCHW: Tensor = self.net(features_BCHW)
        return result_BCHW


class Features(NamedTuple):
    """An image taken apart, each (B, 64, H, W)."""

    base: Tensor
    detail: Tensor


class Encoder(nn.Module):
    """Takes an image apart; one for both cameras."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, _DIM, 3, padding=1, bias=False)})
        self.encoder_level1 = nn.Sequential(*(_RestormerBlock() for _ in range(_BLOCKS)))
        self.baseFeature = BaseFeatures()
        self.detailFeature = DetailFeatures(_NODES)

    def forward(self, image_B1HW: Tensor) -> Features:
        """Return the features of an image in [0, 1]."""
        shallow_BCHW = self.encoder_level1(self.patch_embed["proj"](image_B1HW))
        return Features(self.baseFeature(shallow_BCHW), self.detailFeature(shallow_BCHW))


class Decoder(nn.Module):
    """Puts an image together."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce_channel = _pointwise(2 * _DIM, _DIM)
        self.encoder_level2 = nn.Sequential(*(_RestormerBlock() for _ in range(_BLOCKS)))
        self.output = nn.Sequential(
            nn.Conv2d(_DIM, _DIM // 2, 3, padding=1, bias=False),
            nn.LeakyReLU(),
            nn.Conv2d(_DIM // 2, 1, 3, padding=1, bias=False),
        )

    def forward(self, added_B1HW: Tensor, base_BCHW: Tensor, detail_BCHW: Tensor) -> Tensor:
        """Return an image in [0, 1]; ``added_B1HW``, in [0, 1], is added before the sigmoid."""
        features_BCHW = self.encoder_level2(self.reduce_channel(torch.cat([base_BCHW, detail_BCHW], dim=1)))
        return torch.sigmoid(self.output(features_BCHW) + added_B1HW)


class CDDFuse(nn.Module):
    """Encoder, a fusing layer for each kind of features, decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        self.base, self.detail = BaseFeatures(), DetailFeatures(1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; so is the result, of which the sigmoid reaches neither end."""
        visible_B1HW = visible_B1HW / 255
        return self.fuse(self.encoder(infrared_B1HW / 255), self.encoder(visible_B1HW), visible_B1HW) * 255

    def fuse(self, infrared: Features, visible: Features, visible_B1HW: Tensor) -> Tensor:
        """Return the fused image, in [0, 1], of two images taken apart; so is ``visible_B1HW``."""
        base_BCHW = self.base(visible.base + infrared.base)
        detail_BCHW = self.detail(visible.detail + infrared.detail)
        fused_B1HW: Tensor = self.decoder(visible_B1HW, base_BCHW, detail_BCHW)
        return fused_B1HW


# The authors' names of the parts. Each tensor's name has "module." before it: they were saved from DataParallel.
_PARTS = {
    "encoder": "DIDF_Encoder",
    "decoder": "DIDF_Decoder",
    "base": "BaseFuseLayer",
    "detail": "DetailFuseLayer",
}


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    return {
        f"{our}.{name.removeprefix('module.')}": value
        for our, their in _PARTS.items()
        for name, value in theirs[their].items()
    }


AUTHORS = Authors(CDDFuse, _read)
