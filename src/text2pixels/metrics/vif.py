"""Visual information fidelity, in the pixel domain and over four scales.

The field calls it VIFF. It is not the fusion index of that name (Han et al. 2013), which weighs the
two sources block by block: it is the VIF of each source and the fused image, added.

Legend of shape suffixes: B batch, 1 channel, H height, W width.
"""

import torch
from torch import Tensor

from text2pixels.metrics.spec import Metric
from text2pixels.metrics.triple import SOURCES, Triple
from text2pixels.metrics.windows import gaussian, separable

_WINDOWS = (17, 9, 5, 3)  # pixels, one per scale; standard deviation a fifth of it
_NOISE = 2.0  # sigma_nsq, variance of the visual noise
_EPS = 1e-10


def visual_information_fidelity(triple: Triple) -> Tensor:
    """Return the sum of VIF(A, F) and VIF(B, F), (B,); NaN where a source carries no information."""
    images = {name: triple.image(name) for name in ("fused", *SOURCES)}
    kept = {name: triple.zeros() for name in SOURCES}
    total = {name: triple.zeros() for name in SOURCES}
    for scale, size in enumerate(_WINDOWS):
        kernel = gaussian(size, size / 5)
        if scale > 0:
            images = {name: _mean(image, kernel)[:, :, ::2, ::2].contiguous() for name, image in images.items()}
        mean = {name: _mean(image, kernel) for name, image in images.items()}
        variance = {
            name: (_mean(image.square(), kernel) - mean[name].square()).clamp_min(0) for name, image in images.items()
        }
        for name in SOURCES:
            covariance = _mean(images["fused"] * images[name], kernel) - mean["fused"] * mean[name]
            kept_B, total_B = _information(variance[name], variance["fused"], covariance)
            kept[name] = kept[name] + kept_B
            total[name] = total[name] + total_B
    return kept["infrared"] / total["infrared"] + kept["visible"] / total["visible"]


def _mean(image_B1HW: Tensor, kernel_K: Tensor) -> Tensor:
    return separable(image_B1HW, kernel_K, kernel_K, "valid")


def _information(reference_B1HW: Tensor, fused_B1HW: Tensor, covariance_B1HW: Tensor) -> tuple[Tensor, Tensor]:
    """Return the information that the fused image kept of the reference, and all there was, both (B,).

    Arguments are local variances and covariance. The channel is F = g A + v, with v of variance s.
    """
    flat_reference, flat_fused = reference_B1HW < _EPS, fused_B1HW < _EPS
    g = (covariance_B1HW / (reference_B1HW + _EPS)).masked_fill(flat_reference | flat_fused, 0)
    s = fused_B1HW - g * covariance_B1HW
    s = s.masked_fill(flat_fused, 0).where(g >= 0, fused_B1HW).clamp_min(_EPS)
    g = g.clamp_min(0)
    reference_B1HW = reference_B1HW.masked_fill(flat_reference, 0)
    kept = torch.log1p(g.square() * reference_B1HW / (s + _NOISE))
    return kept.flatten(1).sum(dim=1), torch.log1p(reference_B1HW / _NOISE).flatten(1).sum(dim=1)


VIF = Metric(
    name="VIF",
    title="Visual information fidelity, pixel domain",
    direction="higher",
    low=0,
    high=float("inf"),
    unit="1",
    formula=r"\mathrm{VIF}(A, F) + \mathrm{VIF}(B, F), \quad \mathrm{VIF}(X, F) = "
    r"\frac{\sum \log(1 + g^2 \sigma_X^2 / (\sigma_v^2 + \sigma_n^2))}{\sum \log(1 + \sigma_X^2 / \sigma_n^2)}",
    reference="Sheikh, Bovik: Image information and visual quality. IEEE Trans. Image Process. 15(2), 2006, in the "
    "authors' pixel-domain form",
    function=visual_information_fidelity,
    minimum_side=41,
    undefined="a source is flat",
    notes="Gaussian windows 17, 9, 5, 3 with standard deviation N/5, inside the image only, sigma_n² = 2. Tables call "
    "it VIFF. Above 1 per source where the fused image has more contrast than the source.",
)

METRICS = (VIF,)
