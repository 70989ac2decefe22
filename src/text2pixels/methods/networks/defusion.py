"""DeFusion: each image is decomposed into what both share and what it alone has; their sum is fused.

P. Liang et al., "Fusion from Decomposition: A Self-Supervised Decomposition Approach for Image Fusion",
ECCV 2022, section 3. Two encoders of shared weights, one for what is common, three decoders. The network of
the authors' published file, which is that of their test script (github.com/erfect2020/DecompositionForFusion,
UCTestShareModelProCommon.py); the class that their training script builds is another. It has no
normalisation, and its blocks are those of ResNeSt (H. Zhang et al., 2020) with two splits.

Legend of shape suffixes: B batch, H height, W width, 1, 3 and C channels, p bottleneck channels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.errors import InputError
from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "defusion/models.pth"
_BORDER = 16  # pixels reflected on each side before the network, cut off after it
_ALIASES = {
    "encoder_lower.": "encoder_upper.",
    "lower_encoder_layer": "upper_encoder_layer",
    "decoder_lower_": "decoder_upper_",
}


class _SplitAttention(nn.Module):
    """A 3x3 convolution into two splits, summed with weights that a softmax over both gives each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(channels // 2, 32)
        self.conv = nn.Conv2d(channels, 2 * channels, 3, padding=1, groups=2, bias=False)
        self.fc1 = nn.Conv2d(channels, inner, 1)
        self.fc2 = nn.Conv2d(inner, 2 * channels, 1)

    def forward(self, features_BpHW: Tensor) -> Tensor:
        first_BpHW, second_BpHW = F.relu(self.conv(features_BpHW)).chunk(2, dim=1)
        mean_Bp11 = F.adaptive_avg_pool2d(first_BpHW + second_BpHW, 1)
        of_first_Bp11, of_second_Bp11 = torch.stack(self.fc2(F.relu(self.fc1(mean_Bp11))).chunk(2, dim=1)).softmax(0)
        result_BpHW: Tensor = of_first_Bp11 * first_BpHW + of_second_Bp11 * second_BpHW
        return result_BpHW


class _Block(nn.Module):
    """Bottleneck of p channels with a shortcut; the result has 4p.

    Args:
        inputs: Channels that come in.
        channels: p.
        stride: Of the block.
        pooled: A 3x3 mean follows the split attention and carries the stride; at stride 1, too.
        pooled_shortcut: The shortcut takes the mean of stride x stride pixels before its 1x1 convolution.
    """

    def __init__(self, inputs: int, channels: int, stride: int, pooled: bool, pooled_shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.conv2 = _SplitAttention(channels)
        self.pool = nn.AvgPool2d(3, stride, padding=1) if pooled else nn.Identity()
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.downsample = nn.Sequential()  # of no layers: the identity
        if stride != 1 or inputs != 4 * channels:
            if pooled_shortcut:
                self.downsample.append(nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False))
            self.downsample.append(nn.Conv2d(inputs, 4 * channels, 1, bias=False))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        inner_BpHW = self.pool(self.conv2(F.relu(self.conv1(features_BCHW))))
        return F.relu(self.conv3(inner_BpHW) + self.downsample(features_BCHW))


class _Layer(nn.Module):
    """Blocks in a row. Those of an encoder pool where they stride; `first` pools even at stride 1."""

    def __init__(
        self, inputs: int, channels: int, blocks: int, stride: int = 1, *, encoder: bool = False, first: bool = False
    ) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            _Block(inputs, channels, stride, encoder and (first or stride > 1), encoder),
            *(_Block(4 * channels, channels, 1, False, encoder) for _ in range(blocks - 1)),
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        result_BCHW: Tensor = self.layer(features_BCHW)
        return result_BCHW


def _to_image() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(16, 3, 3, padding=1), nn.ReLU())


class Parts(NamedTuple):
    """What the network makes of two images: pictures (B, 3, H, W) on the scale 0..1, never below 0."""

    common: Tensor
    infrared: Tensor
    visible: Tensor
    fused: Tensor


class DeFusion(nn.Module):
    """The network; its parameters carry the names of the authors' file."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_upper = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), _Layer(16, 8, 6, encoder=True, first=True)
        )
        self.upper_encoder_layer1 = _Layer(32, 16, 6, encoder=True)
        self.upper_encoder_layer2 = _Layer(64, 32, 4, 2, encoder=True)
        self.upper_encoder_layer3 = _Layer(128, 64, 4, 2, encoder=True)
        self.common_encoder = nn.Sequential(_Layer(512, 256, 4, encoder=True))
        self.decoder_common_layer1 = _Layer(1536, 64, 2)
        self.decoder_common_layer2 = _Layer(512, 16, 2)
        self.decoder_common_layer3 = _Layer(192, 4, 2)
        self.decoder_common_layer4 = nn.Sequential(_Layer(16, 4, 2))
        self.decoder_common_projection_layer = _to_image()  # in the authors' file, though nothing reads it
        self.decoder_upper_layer1 = _Layer(1280, 96, 4)
        self.decoder_upper_layer2 = _Layer(512, 32, 4)
        self.decoder_upper_layer3 = _Layer(192, 16, 6)
        self.decoder_upper_layer4 = nn.Sequential(_Layer(64, 4, 6))
        self.decoder_upper_projection_layer = _to_image()
        self.fusion_rule = _to_image()

    def forward(self, infrared_B1HW: Tensor, visible_BCHW: Tensor) -> Tensor:
        """Fuse a gray infrared and a visible of 1 or 3 channels, both in 0..255; the result is RGB on that scale."""
        pair = (image_BCHW.expand(-1, 3, -1, -1) / 255 for image_BCHW in (infrared_B1HW, visible_BCHW))
        height, width = infrared_B1HW.shape[2:]
        # Reflection needs more pixels than it adds; a smaller image repeats its last ones.
        mode = "reflect" if min(height, width) > _BORDER else "replicate"
        embeddings = self.embed(*(F.pad(image_B3HW, (_BORDER,) * 4, mode) for image_B3HW in pair))
        fused_B3HW: Tensor = self.fusion_rule(sum(embeddings))
        return fused_B3HW[..., _BORDER : _BORDER + height, _BORDER : _BORDER + width] * 255

    def decompose(self, infrared_B3HW: Tensor, visible_B3HW: Tensor) -> Parts:
        """Return all four pictures of two images in 0..1, as training compares them."""
        embeddings = self.embed(infrared_B3HW, visible_B3HW)
        # The picture of what is common is projected by the layer of the other two.
        common, infrared, visible = (self.decoder_upper_projection_layer(part_BCHW) for part_BCHW in embeddings)
        return Parts(common, infrared, visible, self.fusion_rule(sum(embeddings)))

    def embed(self, infrared_B3HW: Tensor, visible_B3HW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is common, what only the infrared and what only the visible has, each (B, 16, H, W)."""
        size = infrared_B3HW.shape[2:]
        infrared, visible = self._encode(infrared_B3HW), self._encode(visible_B3HW)
        common_BCHW = self.common_encoder(torch.cat([infrared[-1], visible[-1]], dim=1))
        both = [torch.cat(levels, dim=1) for levels in zip(infrared, visible, strict=True)]
        return (
            self._decode("common", common_BCHW, both, size),
            self._decode("upper", common_BCHW, infrared, size),
            self._decode("upper", common_BCHW, visible, size),
        )

    def _encode(self, image_B3HW: Tensor) -> list[Tensor]:
        """Return features at a half, a quarter and an eighth of the size."""
        features_BCHW = F.max_pool2d(self.encoder_upper(image_B3HW), 3, stride=2, padding=1)
        levels = []
        for layer in (self.upper_encoder_layer1, self.upper_encoder_layer2, self.upper_encoder_layer3):
            features_BCHW = layer(features_BCHW)
            levels.append(features_BCHW)
        return levels

    def _decode(self, branch: str, features_BCHW: Tensor, levels: list[Tensor], size: torch.Size) -> Tensor:
        layers = [self.get_submodule(f"decoder_{branch}_layer{number}") for number in (1, 2, 3, 4)]
        for layer, level_BCHW in zip(layers[:3], reversed(levels), strict=True):
            if features_BCHW.shape[2:] != level_BCHW.shape[2:]:
                features_BCHW = _enlarge(features_BCHW, level_BCHW.shape[2:])
            features_BCHW = layer(torch.cat([features_BCHW, level_BCHW], dim=1))
        decoded_BCHW: Tensor = layers[3](_enlarge(features_BCHW, size))
        return decoded_BCHW


def _enlarge(features_BCHW: Tensor, size: torch.Size) -> Tensor:
    """Double the size bilinearly, then take nearest pixels where the aim is odd."""
    doubled_BCHW = F.interpolate(features_BCHW, scale_factor=2, mode="bilinear", align_corners=False)
    return F.interpolate(doubled_BCHW, size=size, mode="nearest")


def _read(folder: Path) -> dict[str, Tensor]:
    content = read_torch_file(folder / _FILE)
    if not isinstance(content, Mapping) or not isinstance(content.get("state_dict"), Mapping):
        raise InputError(f"{folder / _FILE}: expected the authors' checkpoint, a dictionary with state_dict")
    state: dict[str, Tensor] = {}
    for name, value in content["state_dict"].items():
        # The second branch is the first under other names: one stored tensor, two keys.
        for alias, original in _ALIASES.items():
            if name.startswith(alias):
                name = original + name.removeprefix(alias)
        state.setdefault(name, value)
    return state


AUTHORS = Authors(DeFusion, _read)
