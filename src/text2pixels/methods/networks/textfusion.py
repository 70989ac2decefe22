"""TextFusion: infrared and visible features, the infrared's weighed by a text, channel by channel.

C. Cheng et al., "TextFusion: Unveiling the Power of Textual Semantics for Controllable Image Fusion",
Information Fusion 117, 2025, section 3, as the authors' published file has it: one block of attention in
windows, then each side to 512 channels, of which the infrared's are multiplied with the 512 numbers of a
CLIP ViT-B/32 text vector. 3x3, reflected borders, tanh / 2 + 0.5 at the end.

The authors' code adds the visible features' attention to both sides, so what the infrared would ask is in the
file and changes nothing. Their text vector is as long as CLIP makes it, not of unit length.

Legend of shape suffixes: B batch, H height, W width, 1 and C channels, D dimension of a text vector.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file
from text2pixels.methods.networks.window_attention import Stream, WindowAttention, pad_to_multiple

_FILE = "textfusion/LLVIP_pretrained.model"
_CHANNELS = 24
_DIMENSION = 512


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _to_text() -> nn.Sequential:
    """Return what takes the features of a source to as many channels as a text vector has numbers."""
    inner = 2 * _CHANNELS
    return nn.Sequential(
        nn.Conv2d(_CHANNELS, inner, 1, bias=False), nn.ReLU(), nn.Conv2d(inner, _DIMENSION, 1, bias=False)
    )


class TextFusion(nn.Module):
    """The network, as far as fusing uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_visible, self.embed_infrared = _convolution(1, _CHANNELS), _convolution(1, _CHANNELS)
        self.visible, self.infrared = Stream(_CHANNELS), Stream(_CHANNELS, attends=False)
        self.attention = WindowAttention()
        self.visible_to_text, self.infrared_to_text = _to_text(), _to_text()
        self.last = _convolution(_DIMENSION, 1)

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor, text_BD: Tensor) -> Tensor:
        """Fuse images in 0..255 under a CLIP vector as long as CLIP makes it; the result is in 0..255."""
        height, width = visible_B1HW.shape[2:]
        visible_BCHW = self.embed_visible(pad_to_multiple(visible_B1HW / 255))
        infrared_BCHW = self.embed_infrared(pad_to_multiple(infrared_B1HW / 255))
        normalised = self.visible.norm(visible_BCHW)
        values_BCHW = self.visible.value(normalised.features_BCHW)
        attended_BCHW = self.attention(*self.visible.queries_and_keys(normalised), values_BCHW)
        visible_BCHW = self.visible.add(visible_BCHW, normalised, values_BCHW, attended_BCHW)
        normalised = self.infrared.norm(infrared_BCHW)
        values_BCHW = self.infrared.value(normalised.features_BCHW)
        infrared_BCHW = self.infrared.add(infrared_BCHW, normalised, values_BCHW, attended_BCHW)
        told_BDHW = self.infrared_to_text(infrared_BCHW) * text_BD[..., None, None]
        fused_B1HW = torch.tanh(self.last(self.visible_to_text(visible_BCHW) + told_BDHW)) / 2 + 0.5
        return fused_B1HW[:, :, :height, :width] * 255


def _beginnings() -> Iterator[tuple[str, str]]:
    """Yield how names of layers begin, ours and the authors'."""
    yield "embed_visible.", "patch_embed.proj."
    yield "embed_infrared.", "patch_embed2.proj."
    block = "layer1.blocks.0."
    yield "visible.norm.", f"{block}norm1."
    yield "visible.value.", f"{block}attn.V."
    yield "visible.query_key.", f"{block}attn.QK."
    yield "visible.local.", f"{block}attn.conv."
    yield "visible.project.", f"{block}attn.proj."
    yield "visible.perceptron.", f"{block}mlp.mlp."
    yield "infrared.norm.", f"{block}ass_norm1."
    yield "infrared.value.", f"{block}attn.ass_V."
    yield "infrared.local.", f"{block}attn.conv_ass."
    yield "infrared.project.", f"{block}attn.proj_ass."
    yield "infrared.perceptron.", f"{block}mlp_ass.mlp."
    yield "attention.", f"{block}attn.attn."
    yield "visible_to_text.", "fuse_text_image.mlp_vis."
    yield "infrared_to_text.", "fuse_text_image.mlp_ir."
    yield "last.", "patch_unembed1.proj.0."


def _read(folder: Path) -> dict[str, Tensor]:
    theirs = read_torch_file(folder / _FILE)
    return {
        ours + name.removeprefix(begins): value
        for ours, begins in _beginnings()
        for name, value in theirs.items()
        if name.startswith(begins)
    }


AUTHORS = Authors(TextFusion, _read)
