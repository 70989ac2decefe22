"""Linear correlation with the sources: CC, SCD.

Legend of shape suffixes: B batch, 1 channel, H height, W width, N pixels.
"""

from torch import Tensor

from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import Triple


def pearson(first_B1HW: Tensor, second_B1HW: Tensor) -> Tensor:
    """Return the correlation coefficient of the pixels, (B,); NaN where an image is flat."""
    # Sums of integers below 2^53 are exact, so a flat image has a variance of exactly 0.
    x_BN, y_BN = (image.flatten(1) - image.flatten(1).mean(dim=1, keepdim=True) for image in (first_B1HW, second_B1HW))
    energy_B = x_BN.square().sum(dim=1) * y_BN.square().sum(dim=1)
    return (x_BN * y_BN).sum(dim=1) / energy_B.sqrt()


def _correlation(triple: Triple) -> Tensor:
    return (pearson(triple.fused, triple.infrared) + pearson(triple.fused, triple.visible)) / 2


def _sum_of_correlations_of_differences(triple: Triple) -> Tensor:
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
