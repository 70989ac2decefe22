"""The fusion network: infrared, visible luminance and phrases in, fused luminance out.

    full      (x, y) = low + high ------------------> z = w x_low + (1 - w) y_low + u x_high + v y_high + d
    1/2       stem ------------------------------------------ + decode, pixel shuffle --^
    1/4         extractor (1) ------------------- + merge ----^
    1/8           tokens, self-attention (2, 3), codebook (5, 6) --^

    full      z + m^2 (g z_high + h) ----------------> z under the phrases
    1/2                decode, what they say -- lift --^ g, h
    1/8       recogniser -- cross-attention (4) to the phrases -- m

Convolutions work on half and quarter resolution, where a multiplication sees four to sixteen times
the pixels; the sources themselves are blended at full resolution, so their sharpness is kept: their
low frequencies by a weight w, their details each by a gain (u, v), plus a correction d per pixel.
Where one source's details are much stronger around a pixel, the other's are masked: its logit of u or
v falls by kappa times the logarithm of the ratio. The more they are so, the less the network has to say there:
what it adds to the logits of u and v, and d, fade, so that a source that has all there is to see is
kept as it is, whatever the cameras. An untrained network, w = 1/2 and u = v = 1 but for
the masking, adds the stronger details to the mean of the rest, as fusion by pyramids does. Every
operation is linear in the number of pixels.

What is learned of w is learned of pairs of which either image shows about as much as it does in all the others. Where
one shows less, at night, or when all is equally warm, w moves towards the other one: its logit by the infrared
image's lead in contrast over the whole image, less the lead that is usual in training.

Phrases change that picture where they are attended to, with a mass m, and nowhere else: details and the difference
to the surroundings, z_high, by a gain g, the rest by a correction h. The mass counts squared, so that half-hearted
attention does little. Without phrases there is no mass, and what a prompt does is learned without moving the picture
that it changes.

Shapes: B batch; H, W image; C channels of a resolution; E token width; h, w token grid (1/8);
T phrases, S = T + 1 with the null token last; D dimension of a phrase vector.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.network.attention import CrossAttention, SelfAttention
from text2pixels.network.codebook import Codebook
from text2pixels.network.description import NOISE, STRIDE, WHITE
from text2pixels.network.extractor import Extractor
from text2pixels.network.recogniser import Recogniser

_COARSE = 4  # pixels a side: low frequencies and the strength of details are taken on means of such squares
_LOW, _AROUND = 7, 5  # of these squares, the sides of the box filters, each used twice
_LEAK = 0.1  # slope of ReLUs below 0
_FADING = 2.0  # what the network has to say falls with this power of the ratio of the weaker details to the stronger
_KNEE = 0.85  # luminance from where on it is bent
_ROOM = 0.005  # that a bend has at least


class Fusion(NamedTuple):
    """What the network gives back.

    Attributes:
        fused_B1HW: fused luminance in [0, 1], of exactly the input's size.
        plain_B1HW: the same without text.
        commitment: g(z) of equation (11), scalar; 0 without codebook.
        perplexity: of code use, scalar in [1, codes]; 0 without codebook.
        attention: (B, S, h, w), for each token the distribution over phrases and, last, the null
            token; h = ceil(H / 8), w = ceil(W / 8). None without cross-attention.
        seen: (B, h, w, E), the tokens that attend to the phrases; None without text or cross-attention.
    """

    fused_B1HW: Tensor
    plain_B1HW: Tensor
    commitment: Tensor
    perplexity: Tensor
    attention: Tensor | None
    seen: Tensor | None = None


class Looked(NamedTuple):
    """What the network sees of a pair before attention: all but the lead depends on the pixels around alone.

    Attributes:
        pair_B2HW: infrared and visible with their margins.
        stem_BCHW: features at 1/2.
        features_BCHW: features at 1/4.
        tokens_BhwE: at 1/8; one token around the image is of its margin.
        lead_B: of the infrared image; see `lead`.
    """

    pair_B2HW: Tensor
    stem_BCHW: Tensor
    features_BCHW: Tensor
    tokens_BhwE: Tensor
    lead_B: Tensor


class FusionNetwork(nn.Module):
    """Text-guided fusion; see the module's docstring.

    Args:
        network: width, heads, codes and the switches of the ablations.

    Raises:
        InputError: widths that do not divide.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        channels, half, width = network.channels, network.channels // 2, network.channels * 2
        if channels < 2 or channels % 2 or width % network.heads:
            raise InputError(
                f"network: channels should be even and heads should divide twice the channels; found channels "
                f"{channels}, heads {network.heads}"
            )
        self.config = network
        self.stem = nn.Conv2d(2 * 4, half, kernel_size=3, padding=1)
        self.down = nn.Conv2d(half, channels, kernel_size=2, stride=2)
        self.extractor = Extractor(channels)
        self.embed = nn.Conv2d(channels, width, kernel_size=2, stride=2)
        self.self_attention = SelfAttention(width, network.heads) if network.self_attention else None
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.codebook = Codebook(network.codes, width) if network.codebook else None
        self.spread = nn.Linear(width, channels)
        self.merge = nn.Conv2d(channels, half, kernel_size=3, padding=1)
        self.decode = nn.Conv2d(half, half, kernel_size=3, padding=1)
        self.head = nn.Conv2d(half, 4 * 4, kernel_size=3, padding=1)
        self.cross_attention = None
        if network.cross_attention:
            self.recogniser = Recogniser(channels, width)
            self.cross_attention = CrossAttention(width, network.heads, network.text_dim)
            # Without bias: what nobody says changes nothing.
            self.hear = nn.Linear(width, half, bias=False)
            first = nn.Conv2d(2 * half, half, kernel_size=3, padding=1)
            last = nn.Conv2d(half, 2 * 4, kernel_size=3, padding=1)
            self.lift = nn.Sequential(first, nn.LeakyReLU(_LEAK), last)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.merge.weight.mul_(0.1)  # what is added to the stem begins small
        self.kappa = nn.Parameter(torch.tensor(4.0))  # details half as strong are kept at an eighth
        self.usual_lead: Tensor
        self.register_buffer("usual_lead", torch.tensor(0.0))  # the mean of `lead` over the training pairs
        # Small, so that an untrained network does as the module's docstring says; and alike for the
        # four pixels that share a cell, so that no checkerboard is there to be unlearned.
        nn.init.normal_(self.head.weight, std=0.02 * (9 * half) ** -0.5)
        with torch.no_grad():
            self.head.weight.copy_(self.head.weight[::4].repeat_interleave(4, dim=0))
            if network.cross_attention:
                last.weight.mul_(0.1)  # what a prompt does begins small

    def forward(
        self,
        infrared_B1HW: Tensor,
        visible_B1HW: Tensor,
        text_BTD: Tensor | None = None,
        mask_BT: Tensor | None = None,
        lead_B: Tensor | None = None,
    ) -> Fusion:
        """Fuse.

        Args:
            infrared_B1HW: in [0, 1]; any size from 16 pixels a side.
            visible_B1HW: luminance in [0, 1], same size.
            text_BTD: phrase vectors; None: no text.
            mask_BT: True where there is a phrase, False where there is padding; None: no padding.
            lead_B: of the images that these are crops of; None: these are whole.
        """
        looked = self.look(infrared_B1HW, visible_B1HW)
        if lead_B is not None:
            looked = looked._replace(lead_B=lead_B)
        return self.fuse(looked, infrared_B1HW.shape[2:], None, text_BTD, mask_BT)

    def look(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Looked:
        """Return what is seen before attention; the arguments are those of `forward`."""
        assert infrared_B1HW.shape == visible_B1HW.shape, (infrared_B1HW.shape, visible_B1HW.shape)
        height, width = infrared_B1HW.shape[2:]
        # One reflected token around the image and up to a whole number of tokens: the zeros around
        # each convolution stay away from the image.
        rows, columns = _tokens(height), _tokens(width)
        margins = (STRIDE, STRIDE * (columns + 1) - width, STRIDE, STRIDE * (rows + 1) - height)
        pair_B2HW = F.pad(torch.cat((infrared_B1HW, visible_B1HW), dim=1), margins, mode="reflect")

        # The stem reads 2 x 2 pixels as channels. To move its weights instead of the pixels comes to the same.
        weight_C266 = F.pixel_shuffle(self.stem.weight, 2)
        stem_BCHW = F.relu(F.conv2d(pair_B2HW, weight_C266, self.stem.bias, stride=2, padding=2), inplace=True)
        features_BCHW = self.extractor(F.relu(self.down(stem_BCHW), inplace=True))

        tokens_BhwE = self.embed(features_BCHW).permute(0, 2, 3, 1)
        return Looked(pair_B2HW, stem_BCHW, features_BCHW, tokens_BhwE, lead(infrared_B1HW, visible_B1HW))

    def fuse(
        self,
        looked: Looked,
        size: Sequence[int],
        landmarks_BME: Tensor | None = None,
        text_BTD: Tensor | None = None,
        mask_BT: Tensor | None = None,
    ) -> Fusion:
        """Fuse what was seen.

        Args:
            looked: of an image, or of a part of it with the lead of the whole.
            size: its height and width.
            landmarks_BME: of the whole image, by `SelfAttention.landmarks`; None: what was seen is all of it.
            text_BTD: as for `forward`.
            mask_BT: as for `forward`.
        """
        height, width = size
        pair_B2HW, stem_BCHW, features_BCHW, tokens_BhwE, lead_B = looked
        if self.self_attention is not None:
            tokens_BhwE = self.self_attention(tokens_BhwE, landmarks_BME)
        tokens_BhwE = tokens_BhwE + self.feed_forward(tokens_BhwE)
        if self.codebook is not None:
            tokens_BhwE, commitment, perplexity = self.codebook(tokens_BhwE)
        else:
            tokens_BhwE = F.normalize(tokens_BhwE, dim=-1)
            commitment = perplexity = tokens_BhwE.new_zeros(())

        # Unit vectors to unit variance.
        coarse_BCHW = self.spread(tokens_BhwE * tokens_BhwE.shape[-1] ** 0.5).permute(0, 3, 1, 2)
        # Leaky, and none over what is added to the stem: ReLUs had within a few epochs all features below 0, and
        # attention and codebook were cut off for good.
        merged_BCHW = self.merge(F.leaky_relu(features_BCHW + _double(coarse_BCHW), _LEAK, inplace=True))
        decoded_BCHW = F.leaky_relu(self.decode(stem_BCHW + _double(merged_BCHW)), _LEAK, inplace=True)
        maps_B4HW = F.pixel_shuffle(self.head(decoded_BCHW), 2)
        low_B2HW = _enlarged(_blurred(F.avg_pool2d(pair_B2HW, _COARSE), _LOW))
        high_B2HW = pair_B2HW - low_B2HW
        behind_B2HW = _behind(high_B2HW)
        say_B1HW = (_FADING * behind_B2HW.sum(dim=1, keepdim=True)).exp()
        maps_B4HW = maps_B4HW.float()
        weight_B1HW, logit_B2HW, correction_B1HW = maps_B4HW[:, :1], maps_B4HW[:, 1:3], maps_B4HW[:, 3:]
        weight_B1HW = weight_B1HW + (lead_B - self.usual_lead)[:, None, None, None]
        gain_B2HW = 2 * (say_B1HW * logit_B2HW + self.kappa * behind_B2HW).sigmoid()
        low_B1HW = low_B2HW[:, 1:] + weight_B1HW.sigmoid() * (low_B2HW[:, :1] - low_B2HW[:, 1:])
        raw_B1HW = low_B1HW + (gain_B2HW * high_B2HW).sum(dim=1, keepdim=True) + say_B1HW * correction_B1HW
        inside = (slice(None), slice(None), slice(STRIDE, STRIDE + height), slice(STRIDE, STRIDE + width))
        brighter_B1HW = pair_B2HW[inside].amax(dim=1, keepdim=True)
        plain_B1HW = fused_B1HW = self._bent(raw_B1HW[inside], brighter_B1HW)
        attention_BShw = seen_BhwE = None
        if self.cross_attention is not None and text_BTD is None:
            attention_BShw = raw_B1HW.new_ones(len(raw_B1HW), 1, _tokens(height), _tokens(width))
        elif self.cross_attention is not None:
            seen_BhwE = self.recogniser(pair_B2HW)
            message_BhwE, attention_BShw = self.cross_attention(seen_BhwE, text_BTD, mask_BT)
            told_B1HW = self._told(message_BhwE, attention_BShw, decoded_BCHW, raw_B1HW - low_B1HW)
            fused_B1HW = self._bent((raw_B1HW + told_B1HW)[inside], brighter_B1HW)
            rows, columns = slice(1, 1 + _tokens(height)), slice(1, 1 + _tokens(width))
            seen_BhwE, attention_BShw = seen_BhwE[:, rows, columns], attention_BShw[:, :, rows, columns]
        return Fusion(fused_B1HW, plain_B1HW, commitment, perplexity, attention_BShw, seen_BhwE)

    def _told(self, message_BhwE: Tensor, attention_BShw: Tensor, decoded_BCHW: Tensor, high_B1HW: Tensor) -> Tensor:
        """Return what the phrases add to the picture; margins included.

        Args:
            message_BhwE: of cross-attention.
            attention_BShw: of cross-attention.
            decoded_BCHW: features at 1/2.
            high_B1HW: the picture without text, less its low frequencies.
        """
        assert self.cross_attention is not None
        heard_BCHW = self.hear(message_BhwE - self.cross_attention.silence()).permute(0, 3, 1, 2)
        lift_B2HW = F.pixel_shuffle(self.lift(torch.cat((decoded_BCHW, _double(_double(heard_BCHW))), dim=1)), 2)
        mass_B1hw = 1 - attention_BShw[:, -1:].float()
        mass_B1HW = F.interpolate(mass_B1hw, scale_factor=float(STRIDE), mode="bilinear", align_corners=False)
        lift_B2HW = lift_B2HW.float()
        told_B1HW: Tensor = mass_B1HW.square() * (lift_B2HW[:, :1] * high_B1HW + lift_B2HW[:, 1:])
        return told_B1HW

    def _bent(self, raw_B1HW: Tensor, brighter_B1HW: Tensor) -> Tensor:
        fused_B1HW = bent(raw_B1HW, brighter_B1HW)
        if self.training:
            # A pixel beyond the range keeps its gradient, or it would never come back.
            fused_B1HW = fused_B1HW.detach() + (raw_B1HW - raw_B1HW.detach())
        return fused_B1HW

    def text_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that only what the phrases do depends on; none without cross-attention."""
        if self.cross_attention is None:
            return []
        parts = (self.recogniser, self.cross_attention, self.hear, self.lift)
        return [parameter for part in parts for parameter in part.parameters()]


def lead(infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return how much more contrast the infrared image has: the logarithm of the ratio of their variances, (B,).

    At its usual value the weights of the low frequencies are as they were learned. With four times the variance, twice
    the contrast, they are to each other as four to one of what was learned.

    Args:
        infrared_B1HW: whole images, in [0, 1].
        visible_B1HW: luminance, in [0, 1].
    """
    images = (infrared_B1HW, visible_B1HW)
    first_B, second_B = (image.float().flatten(1).std(dim=1, correction=0) + NOISE for image in images)
    return 2 * (first_B / second_B).log()


def bent(raw_B1HW: Tensor, brighter_B1HW: Tensor) -> Tensor:
    """Bend what is brighter than both sources softly into the range, so that no highlight is burnt out that was not.

    Up to a knee, .85 or what the brighter source has, values stay as they are. Above it they approach .97 (or
    what the brighter source has) and never pass it: a brighter value stays brighter, so a bright person keeps
    shape, and no pixel is white where neither source is. Below 0 is 0.

    Args:
        raw_B1HW: of any value.
        brighter_B1HW: the brighter source at each pixel, in [0, 1].
    """
    ceiling_B1HW = brighter_B1HW.clamp(min=WHITE)
    knee_B1HW = torch.minimum(brighter_B1HW.clamp(min=_KNEE), ceiling_B1HW - _ROOM)
    room_B1HW = ceiling_B1HW - knee_B1HW
    beyond_B1HW = (raw_B1HW - knee_B1HW).clamp(min=0)
    return torch.minimum(raw_B1HW, knee_B1HW).clamp(min=0) + room_B1HW * beyond_B1HW / (beyond_B1HW + room_B1HW)


def _tokens(pixels: int) -> int:
    """Return how many tokens cover so many pixels. Positive numbers, rounded up: ONNX divides towards zero."""
    return (pixels + STRIDE - 1) // STRIDE


def _behind(high_B2HW: Tensor) -> Tensor:
    """Return how far each source's details are behind the other's around a pixel: log of the ratio, at most 0."""
    strength_B2hw = (_blurred(F.avg_pool2d(high_B2HW.abs(), _COARSE), _AROUND) + NOISE).log()
    lead_B1hw = strength_B2hw[:, :1] - strength_B2hw[:, 1:]
    return _enlarged(torch.cat((lead_B1hw, -lead_B1hw), dim=1).clamp(max=0))


def _blurred(image_B2hw: Tensor, side: int) -> Tensor:
    """Return the image after two box filters of so many pixels a side, borders reflected.

    The two together are one triangular filter, which is one along the rows after one along the columns. As
    pooling, ONNX Runtime takes twenty times as long for the same.
    """
    rising = torch.arange(1, side + 1, dtype=image_B2hw.dtype, device=image_B2hw.device)
    weights = torch.cat((rising, rising[:-1].flip(0))) / side**2
    image_B2hw = F.pad(image_B2hw, [side - 1] * 4, mode="reflect")
    with torch.autocast(image_B2hw.device.type, enabled=False):  # what is left of the sources is not for 16 bits
        image_B2hw = F.conv2d(image_B2hw, weights.expand(2, 1, 1, -1), groups=2)
        return F.conv2d(image_B2hw, weights[:, None].expand(2, 1, -1, 1), groups=2)


def _enlarged(image_B2hw: Tensor) -> Tensor:
    """Return an image of means over squares at full resolution, bilinear."""
    return F.interpolate(image_B2hw, scale_factor=float(_COARSE), mode="bilinear", align_corners=False)


def _double(features_BCHW: Tensor) -> Tensor:
    """Return features at twice the resolution, bilinear."""
    return F.interpolate(features_BCHW, scale_factor=2.0, mode="bilinear", align_corners=False)
