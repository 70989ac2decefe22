"""Visual information fidelity in the pixel domain over four scales: VIF of each source, and Han's VIFF of both.

Many tables print VIF under the name of VIFF. VIF is a quotient for each source, and the two are added;
VIFF (Han et al., 2013) is one quotient, in which every place counts for one source alone.
"""

from typing import NamedTuple

import numpy as np

from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple
from text2pixels.metrics.windows import gaussian, separable

_WINDOWS = (17, 9, 5, 3)  # pixels, one per scale; standard deviation a fifth of it
_NOISE = 2.0  # sigma_nsq of VIF, variance of the visual noise
_NOISE_VIFF = 0.005 * 255**2
_SCALES_VIFF = (1 / 2.15, 0, 0.15 / 2.15, 1 / 2.15)  # weights, from the finest
_EPS = 1e-10
_EPS_VIFF = 1e-7  # added to every place, so that flat sources have a quotient


class Channel(NamedTuple):
    """How a source X reaches the fused image at each place of a scale: F = g X + v.

    Attributes:
        gain: g, not below 0.
        variance: Of X.
        rest: Variance of v.
    """

    gain: Image
    variance: Image
    rest: Image

    def information(self, noise: float) -> tuple[Image, Image]:
        """Return the information about the source that the fused image kept, and all there was, in nats."""
        kept = np.log1p(np.square(self.gain) * self.variance / (self.rest + noise))
        return kept, np.log1p(self.variance / noise)


def channels(fused_HW: Image, infrared_HW: Image, visible_HW: Image) -> list[tuple[Channel, Channel]]:
    """Return the channels of infrared and visible, from the finest scale."""
    images = dict(zip(("fused", *SOURCES), (fused_HW, infrared_HW, visible_HW), strict=True))
    found = []
    for scale, size in enumerate(_WINDOWS):
        kernel = gaussian(size, size / 5)
        if scale > 0:
            images = {name: _mean(image, kernel)[::2, ::2] for name, image in images.items()}
        mean = {name: _mean(image, kernel) for name, image in images.items()}
        variance = {
            name: np.maximum(_mean(np.square(image), kernel) - np.square(mean[name]), 0)
            for name, image in images.items()
        }
        infrared, visible = (
            _channel(
                variance[name],
                variance["fused"],
                _mean(images["fused"] * images[name], kernel) - mean["fused"] * mean[name],
            )
            for name in SOURCES
        )
        found.append((infrared, visible))
    return found


def _mean(image_HW: Image, kernel: Image) -> Image:
    return separable(image_HW, kernel, kernel, "valid")


def _channel(reference: Image, fused: Image, covariance: Image) -> Channel:
    """Return the channel; arguments are local variances and covariance."""
    flat_reference, flat_fused = reference < _EPS, fused < _EPS
    g = covariance / (reference + _EPS)
    g[flat_reference | flat_fused] = 0
    s = fused - g * covariance
    s[flat_fused] = 0
    np.copyto(s, fused, where=g < 0)
    np.maximum(s, _EPS, out=s)
    np.maximum(g, 0, out=g)
    return Channel(g, np.where(flat_reference, 0, reference), s)


def visual_information_fidelity(triple: Triple) -> float:
    """Return the sum of VIF(A, F) and VIF(B, F); NaN where a source carries no information."""
    kept, total = np.zeros(2), np.zeros(2)
    for scale in triple.once(channels, "fused", *SOURCES):
        for index, channel in enumerate(scale):
            part, whole = channel.information(_NOISE)
            kept[index] += part.sum()
            total[index] += whole.sum()
    return float((kept / total).sum())


def _fusion_fidelity(triple: Triple) -> float:
    quality = 0.0
    for weight, (infrared, visible) in zip(_SCALES_VIFF, triple.once(channels, "fused", *SOURCES), strict=True):
        if weight == 0:
            continue
        sums = []
        for first, second in zip(infrared.information(_NOISE_VIFF), visible.information(_NOISE_VIFF), strict=True):
            chosen = np.where(infrared.gain < visible.gain, first, second)
            # Equal gains, such as the two zeros under a flat fused image, speak for neither source.
            np.copyto(chosen, (first + second) / 2, where=infrared.gain == visible.gain)
            sums.append((chosen + _EPS_VIFF).sum())
        quality += weight * float(sums[0] / sums[1])
    return quality


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

VIFF = Metric(
    name="VIFF",
    title="Visual information fidelity for fusion",
    direction="higher",
    low=0,
    high=float("inf"),
    unit="1",
    formula=r"\sum_{k=1}^{4} p_k \frac{\sum_b \log(1 + g_X^2 \sigma_X^2 / (\sigma_v^2 + \sigma_n^2))}"
    r"{\sum_b \log(1 + \sigma_X^2 / \sigma_n^2)}, \quad g_X = \min(g_A, g_B)",
    reference="Han, Cai, Cao, Xu: A new image fusion performance metric based on visual information fidelity. Inf. "
    "Fusion 14(2), 2013",
    function=_fusion_fidelity,
    minimum_side=41,
    notes="Windows as for VIF, each place b of scale k counting for the source of the smaller gain g; p = (1, 0, .15, "
    "1) / 2.15 from the finest scale, noise variance .005 · 255², 1e-7 added to every place, as in the authors' code. "
    "Where the gains are equal the mean of the sources counts; their code takes the second.",
)

METRICS = (VIF, VIFF)
