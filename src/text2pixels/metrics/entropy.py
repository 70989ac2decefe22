"""Information in histograms: EN, MI, normalised MI."""

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
