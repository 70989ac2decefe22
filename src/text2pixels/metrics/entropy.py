"""Information in histograms: EN, MI, normalised MI.

Legend of shape suffixes: B batch, 1 channel, H height, W width, N grey levels (256).
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import SOURCES, Name, Triple

_LEVELS = 256


def entropy(image_B1HW: Tensor) -> Tensor:
    """Return the Shannon entropy of the grey levels, (B,) bits."""
    return _bits(_counts(image_B1HW, _LEVELS))


def joint_entropy(first_B1HW: Tensor, second_B1HW: Tensor) -> Tensor:
    """Return the Shannon entropy of the pairs of grey levels at the same pixel, (B,) bits."""
    return _bits(_counts(first_B1HW * _LEVELS + second_B1HW, _LEVELS**2))


def _counts(values_B1HW: Tensor, levels: int) -> Tensor:
    """Return how often each integer in 0..levels-1 occurs, (B, levels)."""
    batch = len(values_B1HW)
    offset_B111 = torch.arange(batch, device=values_B1HW.device).view(-1, 1, 1, 1) * levels
    indices = (values_B1HW.to(torch.int64) + offset_B111).flatten()
    return torch.bincount(indices, minlength=batch * levels).view(batch, levels)


def _bits(counts_BN: Tensor) -> Tensor:
    p_BN = counts_BN.to(torch.float64) / counts_BN.sum(dim=1, keepdim=True)
    return -(torch.xlogy(p_BN, p_BN)).sum(dim=1) / math.log(2)


def _mutual_information(triple: Triple, source: Name) -> Tensor:
    marginals = triple.once(entropy, "fused") + triple.once(entropy, source)
    # Rounding may leave -1e-16 where the images are independent.
    return (marginals - triple.once(joint_entropy, "fused", source)).clamp_min(0)


def _sum_of_mutual_information(triple: Triple) -> Tensor:
    return sum((_mutual_information(triple, source) for source in SOURCES), start=triple.zeros())


def _normalised_mutual_information(triple: Triple) -> Tensor:
    """Return 2 sum of I(F, X) / (H(F) + H(X)); 0/0 where F and a source are both flat."""
    parts = (
        2 * _mutual_information(triple, source) / (triple.once(entropy, "fused") + triple.once(entropy, source))
        for source in SOURCES
    )
    return sum(parts, start=triple.zeros())


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
