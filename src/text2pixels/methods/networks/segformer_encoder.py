"""The first two stages of SegFormer's encoder, Mix Transformer (MiT) b3.

E. Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS 2021,
section 3.1: overlapping patches, attention over keys of reduced resolution (equations 1 and 2), Mix-FFN
(equation 3). Parameters carry SegFormer's names.

Legend of shape suffixes: B batch, C channels, H, W of the image or of a stage, T tokens (H W of a stage).
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Stage:
    """A stage of the encoder.

    Attributes:
        channels: Of its features.
        kernel: Side of its patches, in pixels of the stage before.
        stride: From patch to patch.
        depth: Number of blocks.
        heads: Of attention.
        reduction: Side of what one key of attention stands for, in patches.
    """

    channels: int
    kernel: int
    stride: int
    depth: int
    heads: int
    reduction: int


STAGES = (Stage(64, 7, 4, 3, 1, 8), Stage(128, 3, 2, 4, 2, 4))  # of MiT-b3
MINIMUM_SIDE = 29  # pixels: below it, a stage has fewer patches a side than one key stands for

_BLOCK_EPS = 1e-6  # of layer normalisation in and after blocks; elsewhere it is PyTorch's 1e-5


class SegFormerEncoder(nn.Module):
    """Two stages: features at a quarter and an eighth of the image's resolution."""

    def __init__(self) -> None:
        super().__init__()
        first, second = STAGES
        self.patch_embed1 = PatchEmbedding(3, first)
        self.block1 = nn.ModuleList(Block(first) for _ in range(first.depth))
        self.norm1 = nn.LayerNorm(first.channels, eps=_BLOCK_EPS)
        self.patch_embed2 = PatchEmbedding(first.channels, second)
        self.block2 = nn.ModuleList(Block(second) for _ in range(second.depth))
        self.norm2 = nn.LayerNorm(second.channels, eps=_BLOCK_EPS)

    def forward(self, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of both stages, (B, 64, H / 4, W / 4) and (B, 128, H / 8, W / 8), sizes rounded up."""
        fine_BCHW = _run(image_B3HW, self.patch_embed1, self.block1, self.norm1)
        return fine_BCHW, _run(fine_BCHW, self.patch_embed2, self.block2, self.norm2)


class PatchEmbedding(nn.Module):
    """A strided convolution makes each patch a token."""

    def __init__(self, inputs: int, stage: Stage) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, stage.channels, stage.kernel, stage.stride, stage.kernel // 2)
        self.norm = nn.LayerNorm(stage.channels)

    def forward(self, features_BCHW: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return the tokens (B, T, C), and the stage's height and width."""
        patches_BCHW = self.proj(features_BCHW)
        height, width = patches_BCHW.shape[2:]
        return self.norm(_tokens(patches_BCHW)), (height, width)


class Block(nn.Module):
    """Attention and Mix-FFN, each added to what it is given normalised."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(stage.channels, eps=_BLOCK_EPS)
        self.attn = Attention(stage)
        self.norm2 = nn.LayerNorm(stage.channels, eps=_BLOCK_EPS)
        self.mlp = MixFFN(stage.channels)

    def forward(self, tokens_BTC: Tensor, size: tuple[int, int]) -> Tensor:
        """Return tokens of the same shape."""
        tokens_BTC = tokens_BTC + self.attn(self.norm1(tokens_BTC), size)
        updated_BTC: Tensor = tokens_BTC + self.mlp(self.norm2(tokens_BTC), size)
        return updated_BTC


class Attention(nn.Module):
    """Every token looks at keys of a coarser resolution (equation 2)."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        channels = stage.channels
        self.heads = stage.heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        self.sr = nn.Conv2d(channels, channels, stage.reduction, stage.reduction)
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens_BTC: Tensor, size: tuple[int, int]) -> Tensor:
        """Return tokens of the same shape."""
        coarse_BTC = self.norm(_tokens(self.sr(_image(tokens_BTC, size))))
        keys_BTC, values_BTC = self.kv(coarse_BTC).chunk(2, dim=-1)
        attended = F.scaled_dot_product_attention(
            self._split(self.q(tokens_BTC)), self._split(keys_BTC), self._split(values_BTC)
        )
        mixed_BTC: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return mixed_BTC

    def _split(self, tokens_BTC: Tensor) -> Tensor:
        """Return (B, heads, T, C / heads)."""
        count, tokens, channels = tokens_BTC.shape
        return tokens_BTC.reshape(count, tokens, self.heads, channels // self.heads).transpose(1, 2)


class MixFFN(nn.Module):
    """A feed-forward network with a depthwise convolution, which tells a token where it lies (equation 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.dwconv = nn.ModuleDict(
            {"dwconv": nn.Conv2d(4 * channels, 4 * channels, 3, padding=1, groups=4 * channels)}
        )
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, tokens_BTC: Tensor, size: tuple[int, int]) -> Tensor:
        """Return tokens of the same shape."""
        hidden_BTC = _tokens(self.dwconv["dwconv"](_image(self.fc1(tokens_BTC), size)))
        narrowed_BTC: Tensor = self.fc2(F.gelu(hidden_BTC))
        return narrowed_BTC


def _run(features_BCHW: Tensor, embedding: nn.Module, blocks: nn.ModuleList, norm: nn.Module) -> Tensor:
    tokens_BTC, size = embedding(features_BCHW)
    for block in blocks:
        tokens_BTC = block(tokens_BTC, size)
    return _image(norm(tokens_BTC), size)


def _tokens(features_BCHW: Tensor) -> Tensor:
    return features_BCHW.flatten(2).transpose(1, 2)


def _image(tokens_BTC: Tensor, size: tuple[int, int]) -> Tensor:
    return tokens_BTC.transpose(1, 2).reshape(len(tokens_BTC), -1, *size)
