"""Losses of the fusion network, equations (8) to (10).

Every function is pure and returns one value per image, so that a batch on several processes
weighs its images as one process would.

Shapes: B batch; 1 channel; H, W image; images in [0, 1]; x infrared, y visible luminance, z fused,
z' the fused image of the previous epoch's network.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from text2pixels.config import Losses

_LEVELS = 256
_EPSILON = 1e-6
_COVERED, _UNCOVERED = 0.3, 0.05  # shares of a token from and below which it belongs to an object, or to none
_LEAST_TOKENS = 4


def ssim(first_B1HW: Tensor, second_B1HW: Tensor) -> Tensor:
    """Return the structural similarity (Wang et al., 2004), (B,) in [-1, 1].

    Gaussian window of 11 pixels and deviation 1.5, no padding; the images need 11 pixels a side.
    """
    from pytorch_msssim import ssim as windowed

    value_B: Tensor = windowed(first_B1HW, second_B1HW, data_range=1.0, size_average=False)
    return value_B


def gradient(image_B1HW: Tensor) -> Tensor:
    """Return the magnitude |d/dx| + |d/dy|, (B, 1, H, W)."""
    return derivatives(image_B1HW).abs().sum(dim=1, keepdim=True)


def derivatives(image_B1HW: Tensor) -> Tensor:
    """Return d/dx and d/dy by Sobel's kernel over 8, (B, 2, H, W); borders replicated."""
    sobel_33 = image_B1HW.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    kernels_2133 = torch.stack([sobel_33, sobel_33.T])[:, None]
    padded = F.pad(image_B1HW, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernels_2133)


def saliency(image_B1HW: Tensor) -> Tensor:
    """Return S of equation (9): each pixel's mean absolute difference to all pixels, (B, 1, H, W) in [0, 1].

    S(k) = sum_i H(i) |x(k) - i| with H the image's normalised histogram of 256 levels: a table of
    256 values per image, looked up.
    """
    levels_BN = (image_B1HW.detach() * (_LEVELS - 1)).round().long().clamp(0, _LEVELS - 1).flatten(1)
    count = len(levels_BN)
    offsets_B1 = torch.arange(count, device=levels_BN.device)[:, None] * _LEVELS
    histogram_BL = torch.bincount((levels_BN + offsets_B1).flatten(), minlength=count * _LEVELS).view(count, _LEVELS)
    level_L = torch.arange(_LEVELS, device=levels_BN.device, dtype=torch.float32) / (_LEVELS - 1)
    table_BL = histogram_BL.float() / levels_BN.shape[1] @ (level_L[:, None] - level_L[None]).abs()
    return table_BL.gather(1, levels_BN).view_as(image_B1HW)


def saliency_weights(infrared_B1HW: Tensor, visible_B1HW: Tensor, formula: str = "normalised") -> tuple[Tensor, Tensor]:
    """Return w1, w2 of equation (9), (B, 1, H, W) in [0, 1], w1 + w2 = 1, without gradient.

    Args:
        infrared_B1HW: x.
        visible_B1HW: y.
        formula: "normalised", S_x / (S_x + S_y); or "printed", S_x / |S_x - S_y|, which diverges
            where the two agree and is clamped to [0, 1].
    """
    first, second = saliency(infrared_B1HW), saliency(visible_B1HW)
    if formula == "printed":
        weight = (first / (first - second).abs().clamp(min=_EPSILON)).clamp(0, 1)
    else:
        weight = (first + _EPSILON) / (first + second + 2 * _EPSILON)
    return weight, 1 - weight


def structure_loss(fused_B1HW: Tensor, previous_B1HW: Tensor, weights: Losses) -> Tensor:
    """Return L_str of equation (8), (B,): SSIM, pixel and gradient loss between z and z'."""
    return (
        weights.ssim * (1 - ssim(fused_B1HW, previous_B1HW))
        + weights.pixel * _mean(fused_B1HW - previous_B1HW)
        + weights.gradient * _mean(gradient(fused_B1HW) - gradient(previous_B1HW))
    )


def content_loss(
    fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor, weights: Losses, similarity_2B: Tensor
) -> Tensor:
    """Return L_cc of equation (9), (B,).

    As printed, w_i multiplies the image: L(z, w_i I_i). Where both cameras agree, that pulls z to
    half of what they saw; ``weights.weigh`` "images" does it all the same. The default, "terms",
    weighs each term by w_i instead: L_i(z, I_i), pixel by pixel, and SSIM by w_i's mean.

    Args:
        fused_B1HW: z.
        infrared_B1HW: x.
        visible_B1HW: y.
        weights: of the terms.
        similarity_2B: SSIM(z, x) and SSIM(z, y), with gradient; "terms" needs it, "images" does not.
    """
    total_B = torch.zeros_like(similarity_2B[0])
    sources = (infrared_B1HW, visible_B1HW)
    factors = saliency_weights(*sources, weights.saliency)
    for source_B1HW, factor_B1HW, similarity_B in zip(sources, factors, similarity_2B, strict=True):
        if weights.weigh == "images":
            total_B = total_B + structure_loss(fused_B1HW, factor_B1HW * source_B1HW, weights)
            continue
        total_B = (
            total_B
            + weights.ssim * factor_B1HW.mean(dim=(1, 2, 3)) * (1 - similarity_B)
            + weights.pixel * _mean(factor_B1HW * (fused_B1HW - source_B1HW))
            + weights.gradient * _mean(factor_B1HW * (gradient(fused_B1HW) - gradient(source_B1HW)))
        )
    return total_B


def texture_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return the distance of z's derivatives to those of the source whose gradient is greater, (B,).

    Not in the paper: the weighted terms of (9) settle for the more salient image's gradient and
    lose texture that only the other one has. And they compare magnitudes, to which an edge from dark
    to bright is as good as one from bright to dark; here signs count.
    """
    first_B2HW, second_B2HW = derivatives(infrared_B1HW), derivatives(visible_B1HW)
    first_leads = first_B2HW.abs().sum(dim=1, keepdim=True) >= second_B2HW.abs().sum(dim=1, keepdim=True)
    strongest_B2HW = torch.where(first_leads, first_B2HW, second_B2HW)
    return (derivatives(fused_B1HW) - strongest_B2HW).abs().sum(dim=1).mean(dim=(1, 2))


def brightness_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return the distance of z to the brighter one of the sources, (B,).

    Not in the paper: at night the infrared has the greater contrast nearly everywhere, (9) follows
    it, and lamps, which only the visible camera sees, go dark.
    """
    return _mean(fused_B1HW - torch.maximum(infrared_B1HW, visible_B1HW))


def guidance_loss(fused_B1HW: Tensor, target_B1HW: Tensor, weight_B1HW: Tensor) -> Tensor:
    """Return the distance of z under a prompt to what the prompt should make of it, (B,).

    Not in the paper, whose losses do not see the text: nothing in (8) to (11) would change if every phrase meant
    nothing.

    Args:
        fused_B1HW: z.
        target_B1HW: z without text, with the named objects emphasised: see `training.guidance.emphasised`.
        weight_B1HW: how much each pixel counts.
    """
    return (weight_B1HW * (fused_B1HW - target_B1HW).abs()).sum(dim=(1, 2, 3))


def grounding_loss(attention_BShw: Tensor, where_BThw: Tensor, objects_Bhw: Tensor) -> Tensor:
    """Return the cross-entropy of what each token attends to and what is there, (B,).

    Not in the paper, whose attention learns where a phrase belongs from the fused image alone. The objects of each
    phrase count alike, and so do all objects that no phrase names and all the rest, both of which belong to the null
    token: small objects as much as large ones, and "a person" on a car is as wrong as on the road.

    Args:
        attention_BShw: of equation (4): T phrases, and the null token last.
        where_BThw: share of each token that lies in boxes of the phrase's objects; no token has more than 1 in all.
        objects_Bhw: share that lies in any box.
    """
    wrong_BShw = -attention_BShw.float().clamp(min=_EPSILON).log()
    own_BThw = where_BThw * (where_BThw > _COVERED)
    unnamed_Bhw = (objects_Bhw - where_BThw.sum(dim=1)).clamp(min=0)
    unnamed_Bhw = unnamed_Bhw * (unnamed_Bhw > _COVERED)
    rest_Bhw = (objects_Bhw < _UNCOVERED).float()
    phrases = where_BThw.shape[1]
    total_B = _mean_of(wrong_BShw[:, :phrases], own_BThw).sum(dim=1)
    return total_B + sum(_mean_of(wrong_BShw[:, -1], place_Bhw) for place_Bhw in (unnamed_Bhw, rest_Bhw))


def _mean_of(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean over (h, w); a place of fewer tokens than ``_LEAST_TOKENS`` counts less."""
    return (values * weights).sum(dim=(-2, -1)) / weights.sum(dim=(-2, -1)).clamp(min=_LEAST_TOKENS)


class FusionLoss(NamedTuple):
    """f of equation (7): (B,), and its parts, (B,) without gradient, for the record."""

    total_B: Tensor
    parts: dict[str, Tensor]


def fusion_loss(
    fused_B1HW: Tensor,
    infrared_B1HW: Tensor,
    visible_B1HW: Tensor,
    previous_B1HW: Tensor | None,
    weights: Losses,
) -> FusionLoss:
    """Return L_f of equation (10), alpha_1 L_str + alpha_2 L_cc, plus the texture and brightness losses.

    alpha_1 is the mean of SSIM(z', x) and SSIM(z', y), alpha_2 that of SSIM(z, x) and SSIM(z, y);
    neither has a gradient, and neither is below 0, where it would turn its loss round.

    Args:
        fused_B1HW: z.
        infrared_B1HW: x.
        visible_B1HW: y.
        previous_B1HW: z'; None in the first epoch, which has no structure loss.
        weights: of the terms.
    """
    sources = (infrared_B1HW, visible_B1HW)
    similarity_2B = torch.stack([ssim(fused_B1HW, source) for source in sources])
    content_B = content_loss(fused_B1HW, *sources, weights, similarity_2B)
    texture_B = texture_loss(fused_B1HW, *sources)
    alpha_2_B = similarity_2B.detach().mean(dim=0).clamp(min=0)
    brightness_B = brightness_loss(fused_B1HW, *sources)
    total_B = weights.content * alpha_2_B * content_B + weights.texture * texture_B + weights.brightness * brightness_B
    parts = {"content": content_B, "texture": texture_B, "brightness": brightness_B, "alpha_2": alpha_2_B}
    parts = {name: value.detach() for name, value in parts.items()}
    if previous_B1HW is not None and weights.structure > 0:
        structure_B = structure_loss(fused_B1HW, previous_B1HW, weights)
        with torch.no_grad():
            alpha_1_B = torch.stack([ssim(previous_B1HW, source) for source in sources]).mean(dim=0).clamp(min=0)
        total_B = total_B + weights.structure * alpha_1_B * structure_B
        parts |= {"structure": structure_B.detach(), "alpha_1": alpha_1_B}
    return FusionLoss(total_B, parts)


def _mean(difference_B1HW: Tensor) -> Tensor:
    return difference_B1HW.abs().mean(dim=(1, 2, 3))
