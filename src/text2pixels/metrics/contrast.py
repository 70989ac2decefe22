"""Contrast and activity of the fused image alone: SD, SF, AG, EI."""

import math

import cv2
import numpy as np

from text2pixels.metrics.edges import sobel
from text2pixels.metrics.metric import Image, Metric


def standard_deviation(image_HW: Image) -> float:
    """Return the standard deviation of the pixels, divisor N."""
    return float(image_HW.std())


def spatial_frequency(image_HW: Image) -> float:
    """Return the root of the summed mean squared row and column differences."""
    height, width = image_HW.shape
    rows = cv2.norm(image_HW[:, 1:], image_HW[:, :-1], cv2.NORM_L2SQR) / (height * (width - 1))
    columns = cv2.norm(image_HW[1:], image_HW[:-1], cv2.NORM_L2SQR) / ((height - 1) * width)
    return math.sqrt(rows + columns)


def average_gradient(image_HW: Image) -> float:
    """Return the mean of sqrt((gx^2 + gy^2) / 2); central differences, one-sided at the edges."""
    gy, gx = np.gradient(image_HW)
    return float(np.sqrt((np.square(gx) + np.square(gy)) / 2).mean())


def edge_intensity(image_HW: Image) -> float:
    """Return the mean length of the Sobel gradient; the border is repeated outside."""
    across, down = sobel(image_HW, "repeat")
    return float(np.sqrt(np.square(across) + np.square(down)).mean())


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

EI = Metric(
    name="EI",
    title="Edge intensity",
    direction="higher",
    low=0,
    high=1020 * 2**0.5,
    unit="grey level",
    formula=r"\mathrm{mean}\,\sqrt{(S_x * F)^2 + (S_y * F)^2}",
    reference="Rajalingam, Priya: Hybrid multimodality medical image fusion technique for feature enhancement in "
    "medical diagnosis. Int. J. Eng. Sci. Invention, 2018 (the reference that the field gives)",
    function=lambda triple: edge_intensity(triple.fused),
    no_reference=True,
    notes="Sobel kernels 1 2 1 as they are, not divided by 8; the border repeated. Nearly a multiple of AG; noise "
    "raises it.",
)

METRICS = (SD, SF, AG, EI)
