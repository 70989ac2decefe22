"""What the fused image keeps of its sources, as losses: information (VIF) and edges (Qabf).

The same quantities as `metrics.vif` and `metrics.edges` measure, with a gradient to the fused image. Neither is
in the paper. Its losses weigh differences of intensity and gradient, and a picture in between its sources
satisfies them while the contrast of both is lost; these two ask how much of each source can be read off the result.

Shapes: B batch; 1 channel; H, W image; images in [0, 1]; x infrared, y visible luminance, z fused.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOWS = (17, 9, 5, 3)  # pixels, one per scale, as in metrics.vif; standard deviation a fifth of it
_NOISE = 2.0  # variance of the visual noise on the scale 0..255
_LEVELS = 255.0
_MIDDLE = 0.5  # taken off before squaring: float32 loses fewer digits of a variance so
_EPSILON = 1e-6
# Of the metrics' sigmoids for strength and orientation: greatest value, steepness, centre.
_STRENGTH = (0.9994, 15.0, 0.5)
_ORIENTATION = (0.9879, 22.0, 0.8)


def information_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return 2 - VIF(x, z) - VIF(y, z), (B,), of Sheikh and Bovik's pixel-domain VIF; below 0 where z enhances.

    Scales are taken without padding: all four of images of 41 pixels a side, fewer of smaller ones, and of less
    than 17 pixels none, of which the loss is 0.
    """
    stack_B3HW = (torch.cat((fused_B1HW, infrared_B1HW, visible_B1HW), dim=1) - _MIDDLE) * _LEVELS
    total_B2 = stack_B3HW.new_zeros(len(stack_B3HW), 2)
    kept_B2 = total_B2 + 0 * fused_B1HW.sum()  # has a gradient, if none but 0, also where no scale fits
    for scale, size in enumerate(_WINDOWS):
        if scale > 0 and min(stack_B3HW.shape[2:]) >= size:
            stack_B3HW = _smoothed(stack_B3HW, size)[..., ::2, ::2]
        if min(stack_B3HW.shape[2:]) < size:
            break
        mean_B3hw = _smoothed(stack_B3HW, size)
        variance_B3hw = (_smoothed(stack_B3HW.square(), size) - mean_B3hw.square()).clamp(min=0)
        product_B2hw = _smoothed(stack_B3HW[:, :1] * stack_B3HW[:, 1:], size)
        covariance_B2hw = product_B2hw - mean_B3hw[:, :1] * mean_B3hw[:, 1:]
        fused_B1hw, source_B2hw = variance_B3hw[:, :1], variance_B3hw[:, 1:]
        # z = g x + v around a place. Where z runs against x (g < 0), nothing of x is kept, and all of z is noise.
        gain_B2hw = (covariance_B2hw / (source_B2hw + _EPSILON)).clamp(min=0)
        rest_B2hw = (fused_B1hw - gain_B2hw * covariance_B2hw).clamp(min=0)
        kept_B2 = kept_B2 + torch.log1p(gain_B2hw.square() * source_B2hw / (rest_B2hw + _NOISE)).sum(dim=(2, 3))
        total_B2 = total_B2 + torch.log1p(source_B2hw / _NOISE).sum(dim=(2, 3))
    share_B2 = kept_B2 / total_B2.clamp(min=_EPSILON)
    # A source without any information, a flat image, asks for nothing.
    return torch.where(total_B2 > _EPSILON, 1 - share_B2, torch.zeros_like(share_B2)).sum(dim=1)


def edge_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return 1 - Qabf (Xydeas and Petrovic, 2000), (B,) in [0, 1]: the share of the sources' edges that z lost.

    Orientations are compared modulo 180 degrees. The image's outermost pixels, whose gradient would depend on
    how it is continued, do not count; an image without any edge has loss 0.
    """
    fused_B2hw = _sobel(fused_B1HW)
    kept_B, total_B = fused_B1HW.new_zeros(len(fused_B1HW)), fused_B1HW.new_zeros(len(fused_B1HW))
    fused_Bhw = _length(fused_B2hw)
    for source_B1HW in (infrared_B1HW, visible_B1HW):
        source_B2hw = _sobel(source_B1HW)
        source_Bhw = _length(source_B2hw)
        ratio_Bhw = torch.minimum(source_Bhw, fused_Bhw) / torch.maximum(source_Bhw, fused_Bhw)
        dot_Bhw = (source_B2hw * fused_B2hw).sum(dim=1).abs()
        cross_Bhw = (source_B2hw[:, 0] * fused_B2hw[:, 1] - source_B2hw[:, 1] * fused_B2hw[:, 0]).abs()
        alignment_Bhw = 1 - torch.atan2(cross_Bhw, dot_Bhw + _EPSILON) / (math.pi / 2)
        share_Bhw = _sigmoid(ratio_Bhw, _STRENGTH) * _sigmoid(alignment_Bhw, _ORIENTATION)
        kept_B = kept_B + ((1 - share_Bhw) * source_Bhw).sum(dim=(1, 2))
        total_B = total_B + source_Bhw.sum(dim=(1, 2))
    return kept_B / total_B


def _smoothed(image_BCHW: Tensor, size: int) -> Tensor:
    """Return the mean under a Gaussian window, without padding."""
    offsets = torch.arange(size, device=image_BCHW.device, dtype=image_BCHW.dtype) - size // 2
    window = torch.exp(-offsets.square() / (2 * (size / 5) ** 2))
    window = window / window.sum()
    channels = image_BCHW.shape[1]
    down = window.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    across = window.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(image_BCHW, down, groups=channels), across, groups=channels)


def _sobel(image_B1HW: Tensor) -> Tensor:
    """Return the derivatives across and down, (B, 2, H - 2, W - 2)."""
    across_33 = image_B1HW.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    return F.conv2d(image_B1HW, torch.stack([across_33, across_33.T])[:, None])


def _length(vectors_B2hw: Tensor) -> Tensor:
    return (vectors_B2hw.square().sum(dim=1) + _EPSILON).sqrt()


def _sigmoid(value: Tensor, shape: tuple[float, float, float]) -> Tensor:
    most, steepness, centre = shape
    return most * torch.sigmoid(steepness * (value - centre))
