"""Linear correlation with the sources: CC, SCD."""

import numpy as np

from text2pixels.metrics.metric import Image, Metric, Triple


def pearson(first_HW: Image, second_HW: Image) -> float:
    """Return the correlation coefficient of the pixels; NaN where an image is flat."""
    # Sums of integers below 2^53 are exact, so a flat image has a variance of exactly 0.
    x_HW, y_HW = first_HW - first_HW.mean(), second_HW - second_HW.mean()
    return float(_dot(x_HW, y_HW) / np.sqrt(_dot(x_HW, x_HW) * _dot(y_HW, y_HW)))


def _dot(x_HW: Image, y_HW: Image) -> np.float64:
    # Not `np.vdot`: its result depends on the number of threads of the BLAS behind it.
    dot: np.float64 = np.einsum("ij,ij", x_HW, y_HW)
    return dot


def _correlation(triple: Triple) -> float:
    return (pearson(triple.fused, triple.infrared) + pearson(triple.fused, triple.visible)) / 2


def _sum_of_correlations_of_differences(triple: Triple) -> float:
    fused, infrared, visible = triple.fused, triple.infrared, triple.visible
    return pearson(fused - visible, infrared) + pearson(fused - infrared, visible)


CC = Metric(
    name="CC",
    title="Correlation coefficient",
    direction="higher",
    low=-1,
    high=1,
    unit="1",
    formula=r"\tfrac{1}{2} (r(F, A) + r(F, B))",
    reference="Deshmukh, Bhosale: Image fusion and image quality assessment of fused images. Int. J. Image Process. "
    "4(5), 2010 (the reference that the field gives); Pearson's r",
    function=_correlation,
    undefined="the fused image or a source is flat",
)

SCD = Metric(
    name="SCD",
    title="Sum of the correlations of differences",
    direction="higher",
    low=-2,
    high=2,
    unit="1",
    formula=r"r(F - B, A) + r(F - A, B)",
    reference="Aslantas, Bendes: A new image quality metric for image fusion: the sum of the correlations of "
    "differences. AEU 69(12), 2015",
    function=_sum_of_correlations_of_differences,
    undefined="the fused image differs from a source by a constant (it may be that source), or a source is flat",
)

METRICS = (CC, SCD)
