"""The U-Net of guided diffusion, which predicts the noise in an image.

P. Dhariwal and A. Nichol, "Diffusion Models Beat GANs on Image Synthesis", NeurIPS 2021, section 3: residual
blocks that the time step scales and shifts, changes of size inside residual blocks, attention at small sizes.
Its parameters carry the names of github.com/openai/guided-diffusion, and the shape of a network is read from
the shapes of such a file.

Legend of shape suffixes: B batch, H height, W width, T = H W pixels, N attention heads, C and E channels.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.errors import InputError

HEAD_CHANNELS = 64  # of one attention head: no tensor's shape tells it, so it is that of the published file
_GROUPS = 32
_LONGEST_PERIOD = 10_000


@dataclass(frozen=True)
class Shape:
    """What the tensors of a U-Net tell of its form.

    Attributes:
        channels: Of the first convolution; a multiple of 32.
        multipliers: Of these channels, one for each size of the features, from the image's down by halves.
        blocks: Residual blocks at each size on the way down; one more on the way up.
        attention: Indices of `multipliers` at which each block is followed by attention.
        outputs: 3 of noise, or 6 where the network learned the variance, too.
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    outputs: int = 6


class _Residual(nn.Module):
    """A residual block; `resize` halves or doubles the size of the features in its middle."""

    def __init__(self, inputs: int, outputs: int, embedded: int, resize: str = "") -> None:
        super().__init__()
        self.resize = resize
        self.in_layers = nn.Sequential(
            nn.GroupNorm(_GROUPS, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedded, 2 * outputs))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(_GROUPS, outputs), nn.SiLU(), nn.Dropout(0), _zeros(nn.Conv2d(outputs, outputs, 3, padding=1))
        )
        self.skip_connection = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, features_BCHW: Tensor, time_BE: Tensor) -> Tensor:
        normalise, activate, convolve = self.in_layers
        inner_BCHW = convolve(self._sized(activate(normalise(features_BCHW))))
        scale_BC11, shift_BC11 = self.emb_layers(time_BE)[..., None, None].chunk(2, dim=1)
        inner_BCHW = self.out_layers[0](inner_BCHW) * (1 + scale_BC11) + shift_BC11
        result_BCHW: Tensor = self.skip_connection(self._sized(features_BCHW)) + self.out_layers[1:](inner_BCHW)
        return result_BCHW

    def _sized(self, features_BCHW: Tensor) -> Tensor:
        if self.resize == "down":
            return F.avg_pool2d(features_BCHW, 2)
        return F.interpolate(features_BCHW, scale_factor=2.0) if self.resize == "up" else features_BCHW


class _Attention(nn.Module):
    """Self-attention between all pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD_CHANNELS
        self.norm = nn.GroupNorm(_GROUPS, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = _zeros(nn.Conv1d(channels, channels, 1))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        flat_BCT = features_BCHW.flatten(2)
        # A head's queries, keys and values lie together; other networks have the queries of all heads first.
        heads_BNTC = self.qkv(self.norm(flat_BCT)).unflatten(1, (self.heads, -1)).transpose(2, 3)
        attended_BNTC = F.scaled_dot_product_attention(*heads_BNTC.chunk(3, dim=3))
        attended_BCT = attended_BNTC.transpose(2, 3).flatten(1, 2)
        result_BCT: Tensor = flat_BCT + self.proj_out(attended_BCT)
        return result_BCT.reshape(features_BCHW.shape)


class _Stage(nn.Sequential):
    """Layers in a row, of which the residual blocks also get the time step."""

    def forward(self, features_BCHW: Tensor, time_BE: Tensor) -> Tensor:  # type: ignore[override]
        for layer in self:
            features_BCHW = layer(features_BCHW, time_BE) if isinstance(layer, _Residual) else layer(features_BCHW)
        return features_BCHW


class DiffusionUNet(nn.Module):
    """The network; what it has not learned yet starts as guided diffusion's: every last convolution is zero."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.channels = shape.channels
        widths = [shape.channels * multiplier for multiplier in shape.multipliers]
        embedded = 4 * shape.channels
        self.time_embed = nn.Sequential(nn.Linear(shape.channels, embedded), nn.SiLU(), nn.Linear(embedded, embedded))

        def stage(inputs: int, outputs: int, level: int, *last: nn.Module) -> _Stage:
            attention = (_Attention(outputs),) if level in shape.attention else ()
            return _Stage(_Residual(inputs, outputs, embedded), *attention, *last)

        self.input_blocks = nn.ModuleList([_Stage(nn.Conv2d(3, shape.channels, 3, padding=1))])
        kept, now = [shape.channels], shape.channels  # channels of what the way up gets from the way down
        for level, width in enumerate(widths):
            for _ in range(shape.blocks):
                self.input_blocks.append(stage(now, width, level))
                now = width
                kept.append(now)
            if level < len(widths) - 1:
                self.input_blocks.append(_Stage(_Residual(now, now, embedded, "down")))
                kept.append(now)
        self.middle_block = _Stage(_Residual(now, now, embedded), _Attention(now), _Residual(now, now, embedded))
        self.output_blocks = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for index in range(shape.blocks + 1):
                up = level > 0 and index == shape.blocks
                last = (_Residual(width, width, embedded, "up"),) if up else ()
                self.output_blocks.append(stage(now + kept.pop(), width, level, *last))
                now = width
        self.out = nn.Sequential(
            nn.GroupNorm(_GROUPS, now), nn.SiLU(), _zeros(nn.Conv2d(now, shape.outputs, 3, padding=1))
        )

    def forward(self, noisy_B3HW: Tensor, step_B: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            noisy_B3HW: RGB images in about -1..1, noise added; H and W are multiples of 2 to the number of halvings.
            step_B: Time steps, 0..999.

        Returns:
            (B, 3, H, W), or (B, 6, H, W) with what the network says of the variance after the noise.
        """
        time_BE = self.time_embed(_waves(step_B, self.channels))
        features_BCHW, kept = noisy_B3HW, []
        for block in self.input_blocks:
            features_BCHW = block(features_BCHW, time_BE)
            kept.append(features_BCHW)
        features_BCHW = self.middle_block(features_BCHW, time_BE)
        for block in self.output_blocks:
            features_BCHW = block(torch.cat([features_BCHW, kept.pop()], dim=1), time_BE)
        noise_BCHW: Tensor = self.out(features_BCHW)
        return noise_BCHW


def _waves(step_B: Tensor, channels: int) -> Tensor:
    """Return cosines, then sines of the steps, (B, channels), of periods from 2 pi to 10,000 times that."""
    half = channels // 2
    places = torch.arange(half, dtype=torch.float32, device=step_B.device)
    phases = step_B[:, None].float() * torch.exp(-math.log(_LONGEST_PERIOD) * places / half)
    return torch.cat([torch.cos(phases), torch.sin(phases)], dim=1)


def _zeros(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def read_shape(state: Mapping[str, Tensor], file: str) -> Shape:
    """Return the form of the network whose tensors these are.

    Args:
        state: Tensors by the names of guided diffusion.
        file: Their file, for messages.

    Raises:
        InputError: these are not the tensors of such a network, or it is of a kind that is not supported.
    """
    try:
        channels = state["input_blocks.0.0.weight"].shape[0]
        outputs = state["out.2.weight"].shape[0]
        length = len({name.split(".")[1] for name in state if name.startswith("output_blocks.")})
        # A stage of the way up whose last layer is a second residual block doubles the size.
        up = re.compile(r"output_blocks\.(\d+)\.[12]\.in_layers\.0\.weight")
        ups = sorted(int(match[1]) for name in state if (match := up.fullmatch(name)))
        period = ups[0] + 1 if ups else length
        if period < 2 or ups != [period * (index + 1) - 1 for index in range(length // period - 1)]:
            raise InputError(f"{file}: a U-Net that halves and doubles inside residual blocks is expected")
        first = [f"input_blocks.{1 + period * level}" for level in range(length // period)]
        widths = [state[f"{name}.0.out_layers.3.weight"].shape[0] for name in first]
    except KeyError as error:
        raise InputError(f"{file}: no U-Net of guided diffusion, {error.args[0]} is missing") from error
    shape = Shape(
        channels,
        tuple(width // channels for width in widths),
        period - 1,
        tuple(level for level, name in enumerate(first) if f"{name}.1.qkv.weight" in state),
        outputs,
    )
    _check(shape, state, file)
    return shape


def _check(shape: Shape, state: Mapping[str, Tensor], file: str) -> None:
    """Make sure that a network of that form has exactly these tensors.

    Raises:
        InputError: it has not.
    """
    if shape.channels % _GROUPS or any(shape.channels * multiplier % HEAD_CHANNELS for multiplier in _attended(shape)):
        raise InputError(
            f"{file}: the channels should be a multiple of {_GROUPS}, and of {HEAD_CHANNELS} where there is attention"
        )
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in DiffusionUNet(shape).state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{file}: {name} should be {expected.get(name, 'absent')} in a U-Net of guided diffusion, "
                f"found {found.get(name, 'none')}"
            )


def _attended(shape: Shape) -> set[int]:
    return {shape.multipliers[level] for level in shape.attention} | {shape.multipliers[-1]}
