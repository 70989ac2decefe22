"""Metrics that first filter by the eye's contrast sensitivity: Qcb, Qcv.

Legend of shape suffixes: B batch, 1 channel, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from text2pixels.metrics.edges import sobel
from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import SOURCES, Triple
from text2pixels.metrics.windows import gaussian, separable

_BLOCK = 16  # pixels, side of Qcv's regions
_NARROW, _WIDE = gaussian(31, 2), gaussian(31, 4)


def _radial_frequency(size: tuple[int, int], cycles: float) -> Tensor:
    """Return the frequency of every coefficient of ``rfft2``, (H, W // 2 + 1), in units of ``cycles`` per image."""
    height, width = size
    v = torch.fft.fftfreq(height, 1 / height, dtype=torch.float64) / cycles
    u = torch.fft.rfftfreq(width, 1 / width, dtype=torch.float64) / cycles
    return torch.hypot(v[:, None], u[None, :])


def _filter(image_B1HW: Tensor, transfer_HW: Tensor) -> Tensor:
    filtered: Tensor = torch.fft.irfft2(
        torch.fft.rfft2(image_B1HW) * transfer_HW.to(image_B1HW), s=image_B1HW.shape[2:]
    )
    return filtered


def masked_contrast(image_B1HW: Tensor) -> Tensor:
    """Return the local contrast as the eye sees it, >= 0, (B, 1, H, W): Chen and Blum, equations (8) to (11)."""
    frequency = _radial_frequency((image_B1HW.shape[2], image_B1HW.shape[3]), cycles=15)
    sensitivity = torch.exp(-((frequency / 15.3870) ** 2)) - 0.7622 * torch.exp(-((frequency / 1.3456) ** 2))
    seen = _filter(image_B1HW, sensitivity)
    contrast = (separable(seen, _NARROW, _NARROW, "zero") / separable(seen, _WIDE, _WIDE, "zero") - 1).abs()
    # What the transform's rounding leaves of a flat image is no contrast; a black image is 0/0.
    contrast = contrast.where(contrast > 1e-9, 0)
    return contrast**3 / (contrast.square() + 1e-4)


def _chen_blum(triple: Triple) -> Tensor:
    fused = triple.once(masked_contrast, "fused")
    sources = [triple.once(masked_contrast, name) for name in SOURCES]
    energy = sources[0].square() + sources[1].square()
    quality = torch.zeros_like(fused)
    for source in sources:
        high = torch.maximum(source, fused)
        # No contrast in either is preserved contrast; no contrast in both sources leaves equal shares.
        preserved = torch.where(high > 0, torch.minimum(source, fused) / high, 1)
        quality = quality + preserved * torch.where(energy > 0, source.square() / energy, 0.5)
    return quality.flatten(1).mean(dim=1)


def _chen_varshney(triple: Triple) -> Tensor:
    frequency = 0.144 * _radial_frequency(triple.size, cycles=4)
    sensitivity = 2.6 * (0.0192 + frequency) * torch.exp(-(frequency**1.1))
    numerator = denominator = triple.zeros()
    for name in SOURCES:
        gx, gy = triple.once(_sobel_zero, name)
        saliency = _blocks((gx.square() + gy.square()) ** 2.5, total=True)
        difference = _blocks(_filter(triple.image(name) - triple.fused, sensitivity).square(), total=False)
        numerator = numerator + (saliency * difference).flatten(1).sum(dim=1)
        denominator = denominator + saliency.flatten(1).sum(dim=1)
    return numerator / denominator


def _sobel_zero(image_B1HW: Tensor) -> tuple[Tensor, Tensor]:
    return sobel(image_B1HW, "zero")


def _blocks(image_B1HW: Tensor, *, total: bool) -> Tensor:
    """Return the sum or the mean of every block; those at the right and lower edge may be partial."""
    divisor = 1 if total else None
    return F.avg_pool2d(image_B1HW, _BLOCK, ceil_mode=True, divisor_override=divisor)


QCB = Metric(
    name="Qcb",
    title="Chen-Blum: preserved perceived contrast",
    direction="higher",
    low=0,
    high=1,
    unit="1",
    formula=r"\mathrm{mean}\,(\lambda_A Q_{AF} + \lambda_B Q_{BF}), \quad Q_{XF} = \min(C'_X, C'_F) / \max(C'_X, C'_F)",
    reference="Chen, Blum: A new automated quality assessment algorithm for image fusion. Image Vis. Comput. "
    "27(10), 2009",
    function=_chen_blum,
    notes="Difference-of-Gaussians sensitivity, the image spanning 15 degrees; contrast from Gaussians 2 and 4. Images "
    "as saved: the common toolbox first stretches each of the three to 0..255.",
)

QCV = Metric(
    name="Qcv",
    title="Chen-Varshney: perceived difference in salient regions",
    direction="lower",
    low=0,
    high=float("inf"),
    unit="grey level²",
    formula=r"\frac{\sum_w (\lambda_A D_{AF} + \lambda_B D_{BF})}{\sum_w (\lambda_A + \lambda_B)}, \quad "
    r"\lambda_X = \sum_w g_X^5, \; D_{XF} = \mathrm{mean}_w (h * (X - F))^2",
    reference="Chen, Varshney: A human perception inspired quality metric for image fusion based on regional "
    "information. Inf. Fusion 8(2), 2007",
    function=_chen_varshney,
    undefined="both sources are black",
    notes="Regions of 16 x 16, Mannos-Sakrison sensitivity, saliency exponent 5. Images as saved: the common toolbox "
    "first stretches each of the three to 0..255. A partial region at the edge is averaged over its own pixels.",
)

METRICS = (QCB, QCV)
