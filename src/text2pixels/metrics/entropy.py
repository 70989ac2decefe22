"""Information in histograms: EN, MI, normalised MI, nonlinear correlation, cross entropy."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from text2pixels.metrics.metric import SOURCES, Image, Metric, Name, Triple

_LEVELS = 256


def entropy(image_HW: Image) -> np.float64:
    """Return the Shannon entropy of the grey levels, in bits."""
    return _bits(_counts(image_HW, _LEVELS))


def joint_entropy(first_HW: Image, second_HW: Image) -> np.float64:
    """Return the Shannon entropy of the pairs of grey levels at the same pixel, in bits."""
    return _bits(_counts(first_HW * _LEVELS + second_HW, _LEVELS**2))


def _counts(values_HW: Image, levels: int) -> NDArray[np.intp]:
    """Return how often each integer in 0..levels-1 occurs, (levels,)."""
    return np.bincount(values_HW.astype(np.intp).ravel(), minlength=levels)


def _bits(counts: NDArray[np.intp]) -> np.float64:
    p = counts[counts > 0] / counts.sum()
    bits: np.float64 = -(p * np.log2(p)).sum()
    return bits


def _mutual_information(triple: Triple, source: Name) -> np.float64:
    marginals = triple.once(entropy, "fused") + triple.once(entropy, source)
    # Rounding may leave -1e-16 where the images are independent.
    information: np.float64 = np.maximum(marginals - triple.once(joint_entropy, "fused", source), 0)
    return information


def _sum_of_mutual_information(triple: Triple) -> float:
    return sum(_mutual_information(triple, source) for source in SOURCES)


def _normalised_mutual_information(triple: Triple) -> float:
    """Return 2 sum of I(F, X) / (H(F) + H(X)); 0/0 where F and a source are both flat."""
    return sum(
        2 * _mutual_information(triple, source) / (triple.once(entropy, "fused") + triple.once(entropy, source))
        for source in SOURCES
    )


def _nonlinear_correlation_information(triple: Triple) -> float:
    """Return 1 + sum of (v / 3) log256(v / 3) over the eigenvalues v of the three images' correlations."""
    with_infrared, with_visible = (_mutual_information(triple, source) for source in SOURCES)
    marginals = triple.once(entropy, "infrared") + triple.once(entropy, "visible")
    between = np.maximum(marginals - triple.once(joint_entropy, "infrared", "visible"), 0)
    correlation = np.eye(3)
    correlation[[0, 0, 1], [1, 2, 2]] = np.array([with_infrared, with_visible, between]) / math.log2(_LEVELS)
    shares = np.linalg.eigvalsh(correlation, UPLO="U") / 3
    shares = shares[shares > 0]  # 0 log 0 is 0, and rounding may leave -1e-17
    return float(1 + (shares * np.log2(shares)).sum() / math.log2(_LEVELS))


def histogram(image_HW: Image) -> NDArray[np.float64]:
    """Return the share of each grey level, (256,)."""
    return _counts(image_HW, _LEVELS) / image_HW.size


def _cross_entropy(triple: Triple) -> float:
    fused = triple.once(histogram, "fused")
    total = np.float64(0)
    for name in SOURCES:
        source = triple.once(histogram, name)
        both = (source > 0) & (fused > 0)
        total += (source[both] * np.log2(source[both] / fused[both])).sum()
    return float(total / 2)


EN = Metric(
    name="EN",
    title="Entropy",
    direction="higher",
    low=0,
    high=8,
    unit="bit",
    formula=r"-\sum_{i=0}^{255} p_i \log_2 p_i",
    reference="Roberts, van Aardt, Ahmed: Assessment of image fusion procedures using entropy, image quality, "
    "and multispectral classification. J. Appl. Remote Sens. 2, 2008",
    function=lambda triple: triple.once(entropy, "fused"),
    no_reference=True,
    notes="Noise and a contrast stretch raise it. Code that adds 1e-7 inside the logarithm differs by 1e-4.",
)

MI = Metric(
    name="MI",
    title="Mutual information",
    direction="higher",
    low=0,
    high=16,
    unit="bit",
    formula=r"I(F, A) + I(F, B), \quad I(F, X) = H(F) + H(X) - H(F, X)",
    reference="Qu, Zhang, Yan: Information measure for performance of image fusion. Electron. Lett. 38(7), 2002",
    function=_sum_of_mutual_information,
    notes="In bits; many tables use the natural logarithm, which gives 0.6931 of it.",
)

MI_STRETCHED = replace(
    MI,
    high=16 * math.log(2),
    unit="nat",
    function=lambda triple: _sum_of_mutual_information(triple) * math.log(2),
    notes="Natural logarithm.",
)

NMI = Metric(
    name="NMI",
    title="Normalised mutual information",
    direction="higher",
    low=0,
    high=2,
    unit="1",
    formula=r"2 \left( \frac{I(F, A)}{H(F) + H(A)} + \frac{I(F, B)}{H(F) + H(B)} \right)",
    reference="Hossny, Nahavandi, Creighton: Comments on 'Information measure for performance of image fusion'. "
    "Electron. Lett. 44(18), 2008",
    function=_normalised_mutual_information,
    undefined="the fused image and a source are both flat",
)

QNCIE = Metric(
    name="Qncie",
    title="Nonlinear correlation information entropy",
    direction="higher",
    low=1 - math.log(3, _LEVELS),
    high=1,
    unit="1",
    formula=r"1 + \sum_{i=1}^{3} \frac{\lambda_i}{3} \log_{256} \frac{\lambda_i}{3}",
    reference="Wang, Shen, Zhang: A nonlinear correlation measure for multivariable data set. Physica D 200, 2005; for "
    "fusion Wang, Shen, Jin, chapter 19 of Stathaki (editor): Image Fusion: Algorithms and Applications, 2008",
    function=_nonlinear_correlation_information,
    notes="The eigenvalues are those of the 3 x 3 matrix of the images' mutual information, in units of 8 bits, with 1 "
    "on the diagonal. The share of A and B in it is the same for every method.",
)

CE = Metric(
    name="CE",
    title="Cross entropy",
    direction="lower",
    low=-math.log2(math.e) / math.e,
    high=float("inf"),
    unit="bit",
    formula=r"\tfrac{1}{2} (D(A, F) + D(B, F)), \quad D(X, F) = \sum_i p_X(i) \log_2 \frac{p_X(i)}{p_F(i)}",
    reference="Bulanon, Burks, Alchanatis: Image fusion of visible and thermal images for fruit detection. Biosyst. "
    "Eng. 103(1), 2009",
    function=_cross_entropy,
    notes="Of grey-level histograms only: where a level stands in the image does not matter. Levels that either image "
    "lacks are left out, as in known code, so that it may fall below 0.",
)
