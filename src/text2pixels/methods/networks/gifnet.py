"""GIFNet: features that all fusion tasks share, refined by a branch that was trained on two of them.

C. Cheng et al., "One Model for ALL: Low-Level Task Interaction Is a Key to Task-Agnostic Image Fusion", CVPR
2025, section 3. As the authors' script runs it, the branch gives the result of its multi-focus task (their
training tag 2): that task asks in the first block, and the infrared and visible task (IVIF) is added to it.
3x3, reflected borders, ReLU, tanh / 2 + 0.5 at the end.

Of the authors' file three parts are in no path to the fused image: the decoder for reconstruction, the IVIF
task of the second block, and the weights by which tasks are added elsewhere.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file
from text2pixels.methods.networks.window_attention import Stream, WindowAttention, pad_to_multiple

_FILE = "gifnet/Final.model"
_SHARED = 2 + 3 * 32  # channels: the two images and three convolutions
_SHIFT = 4  # of the second block's windows


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class GIFNet(nn.Module):
    """The network, as far as fusing uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.ModuleList(_convolution(2 + 32 * count, 32) for count in range(3))
        self.embed_ivif, self.embed_focus = _convolution(_SHARED, _SHARED), _convolution(_SHARED, _SHARED)
        self.ivif, self.focus1, self.focus2 = Stream(_SHARED), Stream(_SHARED), Stream(_SHARED)
        self.attention1, self.attention2 = WindowAttention(), WindowAttention(_SHIFT)
        self.share_of_ivif = nn.Parameter(torch.zeros(1))
        self.unembed = _convolution(_SHARED, _SHARED)
        self.mix = nn.Sequential(
            nn.Conv2d(2 * _SHARED, _SHARED, 1, bias=False), nn.ReLU(), nn.Conv2d(_SHARED, 128, 1, bias=False)
        )
        self.decoder = nn.ModuleList(_convolution(*widths) for widths in pairwise((128, 64, 32, 16, 1)))

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; so is the result."""
        shared_BCHW = torch.cat([infrared_B1HW, visible_B1HW], dim=1) / 255
        for layer in self.shared:
            shared_BCHW = torch.cat([shared_BCHW, layer(shared_BCHW).relu()], dim=1)
        features_BCHW = self.mix(torch.cat([shared_BCHW, self._refine(shared_BCHW)], dim=1))
        for layer in self.decoder[:-1]:
            features_BCHW = layer(features_BCHW).relu()
        return (torch.tanh(self.decoder[-1](features_BCHW)) / 2 + 0.5) * 255

    def _refine(self, shared_BCHW: Tensor) -> Tensor:
        height, width = shared_BCHW.shape[2:]
        padded_BCHW = pad_to_multiple(shared_BCHW)
        ivif_BCHW, focus_BCHW = self.embed_ivif(padded_BCHW), self.embed_focus(padded_BCHW)
        asked_BCHW, focus_BCHW = _attend(self.focus1, self.attention1, focus_BCHW)
        normalised = self.ivif.norm(ivif_BCHW)
        values_BCHW = self.ivif.value(normalised.features_BCHW)
        attended_BCHW = self.attention1(asked_BCHW, self.ivif.queries_and_keys(normalised)[1], values_BCHW)
        ivif_BCHW = self.ivif.add(ivif_BCHW, normalised, values_BCHW, attended_BCHW)
        focus_BCHW = _attend(self.focus2, self.attention2, focus_BCHW + self.share_of_ivif * ivif_BCHW)[1]
        refined_BCHW: Tensor = self.unembed(focus_BCHW)[:, :, :height, :width]
        return refined_BCHW


def _attend(stream: Stream, attention: WindowAttention, features_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a task asked in its block, and its features after the block."""
    normalised = stream.norm(features_BCHW)
    queries_BCHW, keys_BCHW = stream.queries_and_keys(normalised)
    values_BCHW = stream.value(normalised.features_BCHW)
    attended_BCHW = attention(queries_BCHW, keys_BCHW, values_BCHW)
    return queries_BCHW, stream.add(features_BCHW, normalised, values_BCHW, attended_BCHW)


def _beginnings() -> Iterator[tuple[str, str]]:
    """Yield how names of layers begin, ours and the authors'."""
    for number in range(3):
        yield f"shared.{number}.", f"getSharedFeatures.conv_{number + 1}.conv2d."
    branch = "extractor_multask.SwinTransformerSpecific."
    yield "embed_ivif.", f"{branch}patch_embed_ivif.proj."
    yield "embed_focus.", f"{branch}patch_embed_mfif.proj."
    for ours, block, suffix in (("ivif", 0, ""), ("focus1", 0, "_mfif"), ("focus2", 1, "_mfif")):
        theirs = f"{branch}layer1.blocks.{block}"
        yield f"{ours}.norm.", f"{theirs}.norm1{suffix}."
        yield f"{ours}.value.", f"{theirs}.attn.V{suffix}."
        yield f"{ours}.query_key.", f"{theirs}.attn.QK{suffix}."
        yield f"{ours}.local.", f"{theirs}.attn.conv{suffix}."
        yield f"{ours}.project.", f"{theirs}.attn.proj{suffix}."
        yield f"{ours}.perceptron.", f"{theirs}.mlp{suffix}.mlp."
    for block in range(2):
        yield f"attention{block + 1}.", f"{branch}layer1.blocks.{block}.attn.attn."
    yield "share_of_ivif", f"{branch}layer1.weights_mfif.0"
    yield "unembed.", f"{branch}patch_unembed.proj.0."
    yield "mix.", "cnnDecoder.fuseComplementFeatures.mlp."
    for number in range(4):
        yield f"decoder.{number}.", f"cnnDecoder.decoder.{3 * number + 1}."


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    return {
        ours + name.removeprefix(begins): value
        for ours, begins in _beginnings()
        for name, value in theirs.items()
        if name.startswith(begins)
    }


AUTHORS = Authors(GIFNet, _read)
