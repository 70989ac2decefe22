"""Feature mutual information (fast FMI) on raw pixels and on the horizontal gradient.

In each 3 x 3 window the values, less their minimum and divided by their sum, are read as a
distribution over the nine positions. The joint distribution of two windows is the mixture of
independence and of the extreme coupling (Fréchet's bound) that has the correlation of the two
windows; FMI is the mean over windows of the normalised mutual information.

Legend of shape suffixes: H height, W width, N windows of a band of rows, 9 positions in a window
(column by column, as in the authors' code).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple

_BAND = 16384  # windows at a time: the buffers stay in the second-level cache
_TINY = np.float32(1e-30)
_POSITION = np.arange(9, dtype=np.float32)[:, None]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """Windows as distributions over positions, float32: twice as fast, and the mean keeps six digits."""

    values_9N: Floats
    mass_9N: Floats
    centred_9N: Floats  # mass less its mean
    norm_N: Floats  # of ``centred``, 0 where the window is flat
    deviation_N: Floats  # of the position
    entropy_N: Floats  # nat


def feature_information(fused_HW: Image, sources: list[Image]) -> float:
    """Return the mean over sources and 3 x 3 windows of 2 I / (H + H).

    Args:
        fused_HW: Feature of the fused image, any range.
        sources: The same feature of each source, (H, W).
    """
    height, width = fused_HW.shape
    rows = max(_BAND // width, 1)
    total = 0.0
    for top in range(0, height - 2, rows):
        band = slice(top, top + rows + 2)
        fused = cut_windows(fused_HW[band])
        for source_HW in sources:
            total += normalised_information(fused, cut_windows(source_HW[band])).sum(dtype=np.float64)
    return float(total / (len(sources) * (height - 2) * (width - 2)))


def cut_windows(image_HW: Image) -> Windows:
    """Cut rows of an image into overlapping 3 x 3 windows."""
    height, width = image_HW.shape
    image = image_HW.astype(np.float32)
    shifted = [image[y : height - 2 + y, x : width - 2 + x] for x in range(3) for y in range(3)]
    values_9N = np.stack(shifted).reshape(9, -1)
    mass_9N = values_9N - values_9N.min(axis=0)
    total_N = mass_9N.sum(axis=0)
    flat_N = total_N == 0
    mass_9N /= total_N
    mass_9N[:, flat_N] = 1 / 9
    offset_9N = _POSITION - (_POSITION * mass_9N).sum(axis=0)
    np.square(offset_9N, out=offset_9N)
    offset_9N *= mass_9N
    deviation_N = np.sqrt(offset_9N.sum(axis=0))
    # All mass at one position: no deviation at all, which rounding must not hide.
    deviation_N[mass_9N.max(axis=0) == 1] = 0
    centred_9N = mass_9N - np.float32(1 / 9)
    norm_N = np.sqrt(np.square(centred_9N).sum(axis=0))
    norm_N[flat_N] = 0
    entropy_N = -(np.log(np.maximum(mass_9N, _TINY)) * mass_9N).sum(axis=0)
    return Windows(values_9N, mass_9N, centred_9N, norm_N, deviation_N, entropy_N)


def normalised_information(fused: Windows, source: Windows) -> Floats:
    """Return 2 I / (H + H) of every window, (N,); 1 where the windows are equal, 0 where one is flat."""
    norms_N = fused.norm_N * source.norm_N
    correlation_N = (fused.centred_9N * source.centred_9N).sum(axis=0) / norms_N
    correlation_N[norms_N == 0] = 0
    # The lower bound for negative correlation is the upper bound of the window read backwards.
    mass_9N = np.where(correlation_N < 0, source.mass_9N[::-1], source.mass_9N)
    joint_N = _joint_entropy(fused, mass_9N, source.deviation_N, np.abs(correlation_N))
    entropies_N = fused.entropy_N + source.entropy_N
    # A window with all its mass at one position has no entropy: 0/0, and no information.
    shared_N = 2 * (entropies_N - joint_N) / entropies_N
    shared_N[(correlation_N == 0) | (entropies_N <= 0)] = 0
    shared_N[(fused.values_9N == source.values_9N).all(axis=0)] = 1
    return shared_N


def _joint_entropy(fused: Windows, mass_9N: Floats, deviation_N: Floats, correlation_N: Floats) -> Floats:
    """Return the entropy of (1 - phi) independence + phi upper bound, (N,) nat."""
    # Row by row: `np.cumsum` along the first axis is several times slower.
    upper_f_9N, upper_s_9N = _cumulate(fused.mass_9N), _cumulate(mass_9N)
    lower_s_9N = upper_s_9N - mass_9N
    cell_9N, work_9N = np.empty_like(mass_9N), np.empty_like(mass_9N)
    # Hoeffding: the covariance of the upper bound is the sum of min(F, S) - F S.
    covariance_N = -upper_f_9N.sum(axis=0) * upper_s_9N.sum(axis=0)
    for upper_f_N in upper_f_9N:
        covariance_N += np.minimum(upper_f_N, upper_s_9N, out=work_9N).sum(axis=0)
    deviations_N = fused.deviation_N * deviation_N
    phi_N = correlation_N * deviations_N / covariance_N
    phi_N[deviations_N == 0] = 0
    independent_9N = (1 - phi_N) * mass_9N
    entropy_9N = np.zeros_like(mass_9N)
    lower_f_N = np.zeros_like(phi_N)
    for upper_f_N, mass_f_N in zip(upper_f_9N, fused.mass_9N, strict=True):
        # Under the upper bound a cell holds the overlap of two intervals of the cumulated masses.
        np.minimum(upper_f_N, upper_s_9N, out=cell_9N)
        cell_9N -= np.maximum(lower_f_N, lower_s_9N, out=work_9N)
        np.maximum(cell_9N, 0, out=cell_9N)
        cell_9N *= phi_N
        cell_9N += np.multiply(mass_f_N, independent_9N, out=work_9N)
        # phi may pass 1 and a cell fall below 0; as in the authors' code, the real part of -p log p.
        np.abs(cell_9N, out=work_9N)
        np.maximum(work_9N, _TINY, out=work_9N)
        np.log(work_9N, out=work_9N)
        cell_9N *= work_9N
        entropy_9N -= cell_9N
        lower_f_N = upper_f_N
    entropy_N: Floats = entropy_9N.sum(axis=0)
    return entropy_N


def _cumulate(mass_9N: Floats) -> Floats:
    upper_9N = mass_9N.copy()
    for i in range(1, 9):
        upper_9N[i] += upper_9N[i - 1]
    return upper_9N


def _pixel(triple: Triple) -> float:
    return feature_information(triple.fused, [triple.image(name) for name in SOURCES])


def _gradient(triple: Triple) -> float:
    return feature_information(_across(triple.fused), [_across(triple.image(name)) for name in SOURCES])


def _across(image_HW: Image) -> Image:
    derivative: Image = np.gradient(image_HW, axis=1)
    return derivative


FMI_PIXEL = Metric(
    name="FMI_pixel",
    title="Feature mutual information, pixels",
    direction="higher",
    low=0,
    high=1,
    unit="1",
    formula=r"\tfrac{1}{2} \sum_{X \in \{A, B\}} \mathrm{mean}_w \frac{2 I_w(F, X)}{H_w(F) + H_w(X)}",
    reference="Haghighat, Aghagolzadeh, Seyedarabi: A non-reference image fusion metric based on mutual information "
    "of image features. Comput. Electr. Eng. 37(5), 2011; Haghighat, Razian: Fast-FMI, AICT 2014",
    function=_pixel,
    minimum_side=3,
    notes="3 x 3 windows. Two flat windows of different levels count as 0, equal windows as 1; in the authors' code "
    "rounding decides the former.",
)

FMI_GRADIENT = Metric(
    name="FMI_gradient",
    title="Feature mutual information, gradient",
    direction="higher",
    low=0,
    high=1,
    unit="1",
    formula=FMI_PIXEL.formula,
    reference=FMI_PIXEL.reference,
    function=_gradient,
    minimum_side=3,
    notes=f"Of the horizontal derivative (central differences), as in the authors' code. {FMI_PIXEL.notes}",
)

METRICS = (FMI_PIXEL, FMI_GRADIENT)
