"""Feature mutual information (fast FMI) on raw pixels and on the horizontal gradient.

In each 3 x 3 window the values, less their minimum and divided by their sum, are read as a
distribution over the nine positions. The joint distribution of two windows is the mixture of
independence and of the extreme coupling (Fréchet's bound) that has the correlation of the two
windows; FMI is the mean over windows of the normalised mutual information.

Legend of shape suffixes: B batch, 1 channel, H height, W width, N windows of one image, 9 positions
in a window (column by column, as in the authors' code).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import SOURCES, Triple

_CHUNK = 4096  # windows at a time: the buffers stay in the second-level cache


@dataclass(frozen=True)
class Windows:
    """The windows of an image as distributions over positions, float32 (halves the time; 1e-7 in the mean)."""

    values_9N: Tensor
    mass_9N: Tensor
    cumulative_9N: Tensor
    deviation_N: Tensor  # of the position, in positions
    entropy_N: Tensor  # nat
    centred_9N: Tensor  # mass less its mean, scaled to unit norm; 0 where the window is flat


def windows(image_HW: Tensor) -> Windows:
    """Cut an image into its overlapping 3 x 3 windows."""
    height, width = image_HW.shape
    shifted = [image_HW[y : height - 2 + y, x : width - 2 + x] for x in range(3) for y in range(3)]
    values_9N = torch.stack(shifted).reshape(9, -1).to(torch.float32)
    above_9N = values_9N - values_9N.amin(dim=0)
    total_N = above_9N.sum(dim=0)
    flat_N = total_N == 0
    mass_9N = (above_9N / total_N).masked_fill(flat_N, 1 / 9)
    position_91 = torch.arange(9.0, device=mass_9N.device)[:, None]
    mean_N = (position_91 * mass_9N).sum(dim=0)
    variance_N = ((position_91 - mean_N).square() * mass_9N).sum(dim=0)
    centred_9N = mass_9N - 1 / 9
    # All mass at one position: exactly no deviation.
    deviation_N = variance_N.sqrt().masked_fill(mass_9N.amax(dim=0) == 1, 0)
    norm_N = centred_9N.square().sum(dim=0).sqrt()
    return Windows(
        values_9N,
        mass_9N,
        mass_9N.cumsum(dim=0),
        deviation_N,
        -torch.xlogy(mass_9N, mass_9N).sum(dim=0),
        (centred_9N / norm_N).masked_fill(flat_N, 0),
    )


def normalised_information(fused: Windows, source: Windows) -> Tensor:
    """Return 2 I / (H + H) of every window, (N,); 1 where the windows are equal."""
    parts = [
        _normalised_information(_part(fused, start), _part(source, start))
        for start in range(0, fused.values_9N.shape[1], _CHUNK)
    ]
    return torch.cat(parts)


def _part(every: Windows, start: int) -> Windows:
    chunk = slice(start, start + _CHUNK)
    return Windows(*(tensor[..., chunk] for tensor in vars(every).values()))


def _normalised_information(fused: Windows, source: Windows) -> Tensor:
    correlation_N = (fused.centred_9N * source.centred_9N).sum(dim=0)
    # The lower bound for negative correlation is the upper bound of the window read backwards.
    backwards_N = correlation_N < 0
    mass_9N = torch.where(backwards_N, source.mass_9N.flip(0), source.mass_9N)
    cumulative_9N = mass_9N.cumsum(dim=0)
    joint_N = _joint_entropy(fused, mass_9N, cumulative_9N, source.deviation_N, correlation_N.abs())
    entropies_N = fused.entropy_N + source.entropy_N
    shared_N = entropies_N - joint_N
    result_N = (2 * shared_N / entropies_N).where((correlation_N != 0) & (entropies_N > 0), 0)
    return result_N.masked_fill((fused.values_9N == source.values_9N).all(dim=0), 1)


def _joint_entropy(
    fused: Windows, mass_9N: Tensor, cumulative_9N: Tensor, deviation_N: Tensor, correlation_N: Tensor
) -> Tensor:
    """Return the entropy of (1 - phi) independence + phi upper bound, (N,) nat."""
    buffer_9N = torch.empty_like(mass_9N)
    bound_N = -fused.cumulative_9N.sum(dim=0) * cumulative_9N.sum(dim=0)
    for i in range(9):
        bound_N += torch.minimum(fused.cumulative_9N[i], cumulative_9N, out=buffer_9N).sum(dim=0)
    deviations_N = fused.deviation_N * deviation_N
    phi_N = (correlation_N * deviations_N / bound_N).where(deviations_N > 0, 0)
    before_9N = cumulative_9N - mass_9N
    independent_9N = (1 - phi_N) * mass_9N
    entropy_9N = torch.zeros_like(mass_9N)
    low_9N = torch.empty_like(mass_9N)
    previous_N = torch.zeros_like(phi_N)
    for i in range(9):
        # Under the upper bound a cell holds the overlap of two intervals of the cumulative distributions.
        torch.minimum(fused.cumulative_9N[i], cumulative_9N, out=buffer_9N)
        torch.maximum(previous_N, before_9N, out=low_9N)
        buffer_9N.sub_(low_9N).clamp_min_(0).mul_(phi_N)
        buffer_9N.addcmul_(fused.mass_9N[i].expand_as(mass_9N), independent_9N)
        # phi may pass 1, and a cell fall below 0: as in the authors' code, the real part of -p log p.
        torch.abs(buffer_9N, out=low_9N)
        low_9N.clamp_min_(1e-30).log_()
        entropy_9N.addcmul_(buffer_9N, low_9N, value=-1)
        previous_N = fused.cumulative_9N[i]
    return entropy_9N.sum(dim=0)


def pixels(image_B1HW: Tensor) -> list[Windows]:
    """Return the windows of every image."""
    return [windows(image_HW) for image_HW in image_B1HW[:, 0]]


def gradients(image_B1HW: Tensor) -> list[Windows]:
    """Return the windows of every image's horizontal derivative."""
    return [windows(torch.gradient(image_HW, dim=1)[0]) for image_HW in image_B1HW[:, 0]]


def _pixel(triple: Triple) -> Tensor:
    return _mean(triple.once(pixels, "fused"), [triple.once(pixels, name) for name in SOURCES])


def _gradient(triple: Triple) -> Tensor:
    return _mean(triple.once(gradients, "fused"), [triple.once(gradients, name) for name in SOURCES])


def _mean(fused_B: list[Windows], sources_B: list[list[Windows]]) -> Tensor:
    values = [
        [
            normalised_information(fused, source).mean(dtype=torch.float64)
            for fused, source in zip(fused_B, source_B, strict=True)
        ]
        for source_B in sources_B
    ]
    return torch.stack([torch.stack(value_B) for value_B in values]).mean(dim=0)


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
