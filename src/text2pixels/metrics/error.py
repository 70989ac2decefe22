"""Pixel differences to the sources: MSE, PSNR.

Legend of shape suffixes: B batch, 1 channel, H height, W width.
"""

from dataclasses import replace

import torch
from torch import Tensor

from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import Triple


def mean_squared_error(first_B1HW: Tensor, second_B1HW: Tensor) -> Tensor:
    """Return the mean of the squared differences, (B,)."""
    return (first_B1HW - second_B1HW).square().flatten(1).mean(dim=1)


def _error(triple: Triple) -> Tensor:
    to_infrared = triple.once(mean_squared_error, "fused", "infrared")
    return (to_infrared + triple.once(mean_squared_error, "fused", "visible")) / 2


def _psnr(triple: Triple) -> Tensor:
    return _decibel(torch.full_like(_error(triple), 255), _error(triple))


def _psnr_stretched(triple: Triple) -> Tensor:
    return _decibel(triple.fused.flatten(1).amax(dim=1), _error(triple))


def _decibel(peak_B: Tensor, error_B: Tensor) -> Tensor:
    decibel_B = 10 * (peak_B.square() / error_B).log10()
    return decibel_B.where(error_B > 0, float("nan"))


MSE = Metric(
    name="MSE",
    title="Mean squared error",
    direction="lower",
    low=0,
    high=255**2,
    unit="grey level²",
    formula=r"\tfrac{1}{2} (\mathrm{mean}\,(F - A)^2 + \mathrm{mean}\,(F - B)^2)",
    reference="textbook; on fusion: Jagalingam, Hegde: A review of quality metrics for fused image. Aquat. Procedia "
    "4, 2015",
    function=_error,
    notes="Lowest for the plain average of the sources, whatever it looks like. Some code gives it on a scale of 0..1.",
)

PSNR = Metric(
    name="PSNR",
    title="Peak signal-to-noise ratio",
    direction="higher",
    low=0,
    high=float("inf"),
    unit="dB",
    formula=r"10 \log_{10} (255^2 / \mathrm{MSE})",
    reference="Jagalingam, Hegde: A review of quality metrics for fused image. Aquat. Procedia 4, 2015",
    function=_psnr,
    undefined="infinite: the fused image equals both sources",
    notes="Of the mean of the two squared errors. Highest for the plain average of the sources.",
)

PSNR_STRETCHED = replace(
    PSNR, function=_psnr_stretched, low=float("-inf"), notes="The peak is the fused image's own maximum."
)

METRICS = (MSE, PSNR)
