"""Contrast and activity of the fused image alone: SD, SF, AG.

Legend of shape suffixes: B batch, 1 channel, H height, W width.
"""

import torch
from torch import Tensor

from text2pixels.metrics.spec import Metric


def standard_deviation(image_B1HW: Tensor) -> Tensor:
    """Return the standard deviation of the pixels, divisor N, (B,)."""
    return image_B1HW.flatten(1).std(dim=1, correction=0)


def spatial_frequency(image_B1HW: Tensor) -> Tensor:
    """Return the root of the summed mean squared row and column differences, (B,)."""
    rows = image_B1HW.diff(dim=3).square().flatten(1).mean(dim=1)
    columns = image_B1HW.diff(dim=2).square().flatten(1).mean(dim=1)
    return (rows + columns).sqrt()


def average_gradient(image_B1HW: Tensor) -> Tensor:
    """Return the mean of sqrt((gx^2 + gy^2) / 2), (B,)."""
    gy, gx = torch.gradient(image_B1HW, dim=(2, 3))
    return ((gx.square() + gy.square()) / 2).sqrt().flatten(1).mean(dim=1)


SD = Metric(
    name="SD",
    title="Standard deviation",
    direction="higher",
    low=0,
    high=127.5,
    unit="grey level",
    formula=r"\sqrt{\frac{1}{HW} \sum (F - \bar F)^2}",
    reference="Rao: In-fibre Bragg grating sensors. Meas. Sci. Technol. 8(4), 1997 (the reference that the field "
    "gives)",
    function=lambda triple: standard_deviation(triple.fused),
    no_reference=True,
    notes="A contrast stretch raises it.",
)

SF = Metric(
    name="SF",
    title="Spatial frequency",
    direction="higher",
    low=0,
    high=255 * 2**0.5,
    unit="grey level",
    formula=r"\sqrt{\mathrm{mean}\,(F_{i,j+1} - F_{i,j})^2 + \mathrm{mean}\,(F_{i+1,j} - F_{i,j})^2}",
    reference="Eskicioglu, Fisher: Image quality measures and their performance. IEEE Trans. Commun. 43(12), 1995",
    function=lambda triple: spatial_frequency(triple.fused),
    no_reference=True,
    minimum_side=2,
    notes="Each mean over its own H(W-1) or (H-1)W differences. Noise raises it.",
)

AG = Metric(
    name="AG",
    title="Average gradient",
    direction="higher",
    low=0,
    high=255,
    unit="grey level",
    formula=r"\mathrm{mean}\,\sqrt{(\partial_x F^2 + \partial_y F^2) / 2}",
    reference="Cui, Feng, Xu, Li, Chen: Detail preserved fusion of visible and infrared images using regional "
    "saliency extraction and multi-scale image decomposition. Opt. Commun. 341, 2015",
    function=lambda triple: average_gradient(triple.fused),
    no_reference=True,
    minimum_side=2,
    notes="Central differences, one-sided at the edges, over all pixels. Noise raises it.",
)

METRICS = (SD, SF, AG)
