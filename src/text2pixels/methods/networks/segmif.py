"""SegMiF: a fusion network led by the features of a segmentation network.

J. Liu et al., "Multi-interactive Feature Learning and a Full-time Multi-modality Benchmark for Image Fusion and
Segmentation", ICCV 2023, section 3.2. Besides the pair the network takes a third image, which the authors call
mask although it is a fused one; its SegFormer features ask both images for what matters (hierarchical interactive
attention, figure 4).

Legend of shape suffixes: B batch, C channels, H, W image, T tokens (H W), N heads, D channels of a head.
"""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.errors import InputError
from text2pixels.methods.filters import vsm_wls
from text2pixels.methods.method import Float
from text2pixels.methods.networks.authors import Authors, read_torch_file
from text2pixels.methods.networks.segformer_encoder import MINIMUM_SIDE, STAGES, SegFormerEncoder
from text2pixels.registry import unknown

_FUSION_FILE = "segmif/modelfusion-final2.pth"
_SEGMENTATION_FILE = "segmif/model-fusion_add_final2.pth"

_CHANNELS = 64
_GROWTH = 32  # channels that a convolution of a dense block adds
_DEPTH = 5  # convolutions of a dense block
_HEADS = 8

MASKS = ("vsm-wls", "visible")
CHANNELS = ("red", "luminance")


class SegMiF(nn.Module):
    """The fusion network and the two stages of the segmentation network that it asks.

    Args:
        mask: Of `MASKS`: the third image is the pair fused by VSM-WLS, or the visible image, which the authors
            took for TNO and RoadScene.
        channel: Of `CHANNELS`: what of the visible image is fused. The authors' script hands over RGB where
            luminance was meant, so red is fused.

    Raises:
        InputError: no such mask or channel.
    """

    def __init__(self, mask: str = "vsm-wls", channel: str = "red") -> None:
        super().__init__()
        if mask not in MASKS:
            raise InputError(f"segmif: {unknown(mask, MASKS, 'mask')}")
        if channel not in CHANNELS:
            raise InputError(f"segmif: {unknown(channel, CHANNELS, 'channel')}")
        self.mask = mask
        self.channel = channel
        self.encoder = SegFormerEncoder()
        self.fusion = FusionNetwork()

    def forward(self, infrared_B1HW: Tensor, visible_B3HW: Tensor) -> Tensor:
        """Fuse gray and RGB images in 0..255; the result is RGB on that scale, not clipped."""
        third_B1HW = third_image(self.mask, infrared_B1HW, visible_B3HW)
        visible_B3HW = visible_B3HW / 255
        source_B1HW = visible_B3HW[:, :1] if self.channel == "red" else luminance(visible_B3HW)
        fused_B1HW = self.fuse(infrared_B1HW / 255, source_B1HW, third_B1HW / 255)
        return recolour(fused_B1HW, visible_B3HW) * 255

    def fuse(self, infrared_B1HW: Tensor, visible_B1HW: Tensor, third_B1HW: Tensor) -> Tensor:
        """Fuse images in [0, 1]; the result (B, 1, H, W) is near that range, not clipped."""
        fused_B1HW: Tensor = self.fusion(infrared_B1HW, visible_B1HW, self.features(third_B1HW))
        return fused_B1HW

    def features(self, third_B1HW: Tensor) -> list[Tensor]:
        """Return the segmentation network's features (B, 64, H, W) and (B, 128, H, W) of an image in [0, 1].

        An image too small for the encoder is continued by its last rows and columns.
        """
        height, width = third_B1HW.shape[2:]
        missing = (0, max(0, MINIMUM_SIDE - width), 0, max(0, MINIMUM_SIDE - height))
        whole_B1HW = F.pad(third_B1HW, missing, mode="replicate")
        size = whole_B1HW.shape[2:]
        return [
            F.interpolate(features_BCHW, size=size, mode="bilinear", align_corners=False)[..., :height, :width]
            for features_BCHW in self.encoder(whole_B1HW.expand(-1, 3, -1, -1))
        ]


class FusionNetwork(nn.Module):
    """Two streams of dense blocks that meet twice, and a decoder of three convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.infrared_in = nn.Conv2d(1, _CHANNELS, 3, padding=1)
        self.visible_in = nn.Conv2d(1, _CHANNELS, 3, padding=1)
        self.infrared_dense = nn.ModuleList(DenseBlock() for _ in STAGES)
        self.visible_dense = nn.ModuleList(DenseBlock() for _ in STAGES)
        self.ask = nn.ModuleList(nn.Conv2d(stage.channels, _CHANNELS, 1) for stage in STAGES)
        self.cross = CrossAttention()
        self.decoder = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1)
            for inputs, outputs in ((2 * _CHANNELS, _CHANNELS), (_CHANNELS, 32), (32, 1))
        )
        self.activation = nn.PReLU()  # one slope everywhere

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor, features: list[Tensor]) -> Tensor:
        """Fuse images in [0, 1], asked by features of a third, each (B, C, H, W); the result is (B, 1, H, W)."""
        infrared_BCHW = self.activation(self.infrared_in(infrared_B1HW))
        visible_BCHW = self.activation(self.visible_in(visible_B1HW))
        for infrared_dense, visible_dense, ask, third_BCHW in zip(
            self.infrared_dense, self.visible_dense, self.ask, features, strict=True
        ):
            # The streams meet twice through the same attention: the file holds a second one, which is never called.
            infrared_BCHW, visible_BCHW = self.cross(
                infrared_dense(infrared_BCHW), visible_dense(visible_BCHW), ask(third_BCHW)
            )
        fused_BCHW = torch.cat([infrared_BCHW, visible_BCHW], dim=1)
        for convolution in self.decoder:
            fused_BCHW = self.activation(convolution(fused_BCHW))
        return fused_BCHW


class DenseBlock(nn.Module):
    """Five dilated convolutions, each of all that came before it, added to what the block is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(_CHANNELS + _GROWTH * i, _GROWTH, 3, padding=2, dilation=2) for i in range(_DEPTH)
        )
        self.join = nn.Conv2d(_CHANNELS + _GROWTH * _DEPTH, _CHANNELS, 1)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Return features of the same shape."""
        dense_BCHW = features_BCHW
        for layer in self.layers:
            dense_BCHW = torch.cat([dense_BCHW, F.relu(layer(dense_BCHW))], dim=1)
        return features_BCHW + F.relu(self.join(dense_BCHW))


class CrossAttention(nn.Module):
    """Two streams and the third image's features exchange what they hold, at a cost linear in the pixels.

    Attention is over channels: keys and values of a whole image make a small matrix for each head ("context"),
    by which every pixel's query is multiplied.
    """

    def __init__(self) -> None:
        super().__init__()
        # Of the infrared, the visible and the third image.
        self.project = nn.ModuleList(nn.Linear(_CHANNELS, 2 * _CHANNELS) for _ in range(3))
        self.context = nn.ModuleList(nn.Linear(_CHANNELS, 2 * _CHANNELS, bias=False) for _ in range(3))
        self.end = nn.ModuleList(nn.Linear(2 * _CHANNELS, _CHANNELS) for _ in range(2))
        self.norm = nn.ModuleList(nn.LayerNorm(_CHANNELS) for _ in range(2))

    def forward(self, infrared_BCHW: Tensor, visible_BCHW: Tensor, third_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams, each of its shape."""
        streams = [features.flatten(2).transpose(1, 2) for features in (infrared_BCHW, visible_BCHW, third_BCHW)]
        projected = [F.relu(layer(x_BTC)).chunk(2, dim=-1) for layer, x_BTC in zip(self.project, streams, strict=True)]
        third_query_BTC, third_BTC = projected[2]
        third_context = _context(self.context[2](third_BTC))
        updated = []
        for i in range(2):
            own_BTC, query_BTC = projected[i]
            asked_BTC = _look_up(third_query_BTC, _context(self.context[i](own_BTC)))
            asking_BTC = _look_up(query_BTC, third_context)
            mixed_BTC = streams[i] + self.end[i](torch.cat([asked_BTC, asking_BTC], dim=-1))
            updated.append(self.norm[i](mixed_BTC).transpose(1, 2).reshape(infrared_BCHW.shape))
        return updated[0], updated[1]


def _context(keys_values_BTC: Tensor) -> Tensor:
    """Return what keys hold of values, (B, N, D, D); each column is a softmax over keys' channels."""
    keys, values = (_split(x_BTC) for x_BTC in keys_values_BTC.chunk(2, dim=-1))
    products: Tensor = keys.transpose(-2, -1) @ values * (_CHANNELS // _HEADS) ** -0.5
    return products.softmax(dim=-2)


def _look_up(query_BTC: Tensor, context_BNDD: Tensor) -> Tensor:
    found_BTC: Tensor = (_split(query_BTC) @ context_BNDD).transpose(1, 2).flatten(2)
    return found_BTC


def _split(tokens_BTC: Tensor) -> Tensor:
    """Return (B, N, T, D)."""
    count, tokens, channels = tokens_BTC.shape
    return tokens_BTC.reshape(count, tokens, _HEADS, channels // _HEADS).transpose(1, 2)


def third_image(mask: str, infrared_B1HW: Tensor, visible_B3HW: Tensor) -> Tensor:
    """Return the third image of pairs, as the authors store it: 8-bit levels in 0..255, (B, 1, H, W)."""
    levels_B1HW = torch.floor(luminance(visible_B3HW) + 0.5)
    if mask == "visible":
        return levels_B1HW
    pairs = zip(_arrays(infrared_B1HW), _arrays(levels_B1HW), strict=True)
    fused = np.stack([vsm_wls.fuse(infrared_HW, visible_HW) for infrared_HW, visible_HW in pairs])
    return torch.from_numpy(np.floor(np.clip(fused, 0, 255) + 0.5))[:, None].to(infrared_B1HW)


def luminance(rgb_B3HW: Tensor) -> Tensor:
    """Return BT.601 luma, (B, 1, H, W) on the scale of the images."""
    return 0.299 * rgb_B3HW[:, :1] + 0.587 * rgb_B3HW[:, 1:2] + 0.114 * rgb_B3HW[:, 2:]


def recolour(fused_B1HW: Tensor, rgb_B3HW: Tensor) -> Tensor:
    """Return the fused luminance with the chroma of RGB images in [0, 1], (B, 3, H, W), by the authors' factors."""
    y_B1HW = luminance(rgb_B3HW)
    red_difference, blue_difference = (rgb_B3HW[:, :1] - y_B1HW) * 0.713, (rgb_B3HW[:, 2:] - y_B1HW) * 0.564
    return torch.cat(
        [
            fused_B1HW + 1.403 * red_difference,
            fused_B1HW - 0.714 * red_difference - 0.344 * blue_difference,
            fused_B1HW + 1.773 * blue_difference,
        ],
        dim=1,
    )


def _arrays(images_B1HW: Tensor) -> list[Float]:
    return list(images_B1HW[:, 0].cpu().numpy())


# The authors' names of the layers, as patterns; tensors that match none are not used to fuse.
_NAMES = {
    r"conv1_ir\.": "infrared_in.",
    r"conv1_vis\.": "visible_in.",
    r"DRDB1\.": "infrared_dense.0.",
    r"DRDB2\.": "visible_dense.0.",
    r"DRDB3\.": "infrared_dense.1.",
    r"DRDB4\.": "visible_dense.1.",
    r"conv3\.": "ask.0.",
    r"conv4\.": "ask.1.",
    r"ffm\.cross\.channel_proj(\d)\.": "cross.project.",
    r"ffm\.cross\.cross_attn2?\.kv(\d)\.": "cross.context.",
    r"ffm\.cross\.end_proj(\d)\.": "cross.end.",
    r"ffm\.cross\.norm(\d)\.": "cross.norm.",
    r"conv2\.": "decoder.0.",
    r"conv21\.": "decoder.1.",
    r"conv22\.": "decoder.2.",
    r"relu\.": "activation.",
}


def _rename(name: str) -> str | None:
    for pattern, ours in _NAMES.items():
        if found := re.match(pattern, name):
            number = f"{int(found[1]) - 1}." if found.groups() else ""
            rest = name[found.end() :].replace("conv.", "join.")
            rest = re.sub(r"Dcov(\d)", lambda layer: f"layers.{int(layer[1]) - 1}", rest)
            return f"fusion.{ours}{number}{rest}"
    return None


def _read(folder: Path) -> dict[str, Tensor]:
    fusion = read_torch_file(folder / _FUSION_FILE)
    segmentation = read_torch_file(folder / _SEGMENTATION_FILE)
    state = {ours: tensor for name, tensor in fusion.items() if (ours := _rename(name))}
    prefix = "denoise_net."
    used = tuple(f"{prefix}encoder.{part}{number}." for part in ("patch_embed", "block", "norm") for number in (1, 2))
    return state | {name.removeprefix(prefix): tensor for name, tensor in segmentation.items() if name.startswith(used)}


AUTHORS = Authors(SegMiF, _read)
