"""Visual information fidelity, in the pixel domain and over four scales.

The field calls it VIFF. It is not the fusion index of that name (Han et al. 2013), which weighs the
two sources block by block: it is the VIF of each source and the fused image, added.
"""

import numpy as np

from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple
from text2pixels.metrics.windows import gaussian, separable

_WINDOWS = (17, 9, 5, 3)  # pixels, one per scale; standard deviation a fifth of it
_NOISE = 2.0  # sigma_nsq, variance of the visual noise
_EPS = 1e-10


def visual_information_fidelity(triple: Triple) -> float:
    """Return the sum of VIF(A, F) and VIF(B, F); NaN where a source carries no information."""
    images = {name: triple.image(name) for name in ("fused", *SOURCES)}
    kept = dict.fromkeys(SOURCES, np.float64(0))
    total = dict.fromkeys(SOURCES, np.float64(0))
    for scale, size in enumerate(_WINDOWS):
        kernel = gaussian(size, size / 5)
        if scale > 0:
            images = {name: _mean(image, kernel)[::2, ::2] for name, image in images.items()}
        mean = {name: _mean(image, kernel) for name, image in images.items()}
        variance = {
            name: np.maximum(_mean(np.square(image), kernel) - np.square(mean[name]), 0)
            for name, image in images.items()
        }
        for name in SOURCES:
            covariance = _mean(images["fused"] * images[name], kernel) - mean["fused"] * mean[name]
            part, whole = _information(variance[name], variance["fused"], covariance)
            kept[name] += part
            total[name] += whole
    return kept["infrared"] / total["infrared"] + kept["visible"] / total["visible"]


def _mean(image_HW: Image, kernel: Image) -> Image:
    return separable(image_HW, kernel, kernel, "valid")


def _information(reference: Image, fused: Image, covariance: Image) -> tuple[np.float64, np.float64]:
    """Return the information that the fused image kept of the reference, and all there was.

    Arguments are local variances and covariance. The channel is F = g A + v, with v of variance s.
    """
    flat_reference, flat_fused = reference < _EPS, fused < _EPS
    g = covariance / (reference + _EPS)
    g[flat_reference | flat_fused] = 0
    s = fused - g * covariance
    s[flat_fused] = 0
    np.copyto(s, fused, where=g < 0)
    np.maximum(s, _EPS, out=s)
    np.maximum(g, 0, out=g)
    reference = np.where(flat_reference, 0, reference)
    kept = np.log1p(np.square(g) * reference / (s + _NOISE))
    return kept.sum(), np.log1p(reference / _NOISE).sum()


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
