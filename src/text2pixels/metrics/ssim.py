"""Structural similarity to the sources: SSIM, MS-SSIM."""

from dataclasses import replace

import numpy as np

from text2pixels.metrics.metric import SOURCES, Image, Metric, Name, Triple
from text2pixels.metrics.windows import gaussian, separable

_GAUSSIAN = gaussian(11, 1.5)
_UNIFORM = np.full(7, 1 / 7)
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents, from the finest


def gaussian_mean(image_HW: Image) -> Image:
    """Return local means under the window of Wang et al.: 11 x 11, standard deviation 1.5."""
    return separable(image_HW, _GAUSSIAN, _GAUSSIAN, "valid")


def gaussian_mean_product(first_HW: Image, second_HW: Image) -> Image:
    """Return local means of the product of two images."""
    return gaussian_mean(first_HW * second_HW)


def similarity(triple: Triple, source: Name) -> tuple[float, float]:
    """Return the mean over the image of SSIM, and of its factor for contrast and structure."""
    mean_f, mean_s = triple.once(gaussian_mean, "fused"), triple.once(gaussian_mean, source)
    variance_f = triple.once(gaussian_mean_product, "fused", "fused") - np.square(mean_f)
    variance_s = triple.once(gaussian_mean_product, source, source) - np.square(mean_s)
    covariance = triple.once(gaussian_mean_product, "fused", source) - mean_f * mean_s
    luminance, structure = _factors(mean_f, mean_s, variance_f + variance_s, covariance, data_range=255)
    return float((luminance * structure).mean()), float(structure.mean())


def _factors(
    mean_f: Image, mean_s: Image, variances: Image, covariance: Image, data_range: float
) -> tuple[Image, Image]:
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_f * mean_s + c1) / (np.square(mean_f) + np.square(mean_s) + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _ssim(triple: Triple) -> float:
    infrared, visible = (similarity(triple, source)[0] for source in SOURCES)
    return infrared + visible


def _ssim_stretched(triple: Triple) -> float:
    """Return scikit-image's SSIM of float images, whose range it took to be -1..1."""

    def mean(image_HW: Image) -> Image:
        return separable(image_HW, _UNIFORM, _UNIFORM, "valid")

    total = 0.0
    fused, mean_f = triple.fused, mean(triple.fused)
    variance_f = mean(np.square(fused)) - np.square(mean_f)
    for source in (triple.image(name) for name in SOURCES):
        mean_s = mean(source)
        variances = variance_f + mean(np.square(source)) - np.square(mean_s)
        covariance = mean(fused * source) - mean_f * mean_s
        sample = 49 / 48  # divisor N - 1
        luminance, structure = _factors(mean_f, mean_s, sample * variances, sample * covariance, data_range=2)
        total += float((luminance * structure).mean())
    return total


def _ms_ssim(triple: Triple) -> float:
    product = dict.fromkeys(SOURCES, 1.0)
    for scale, exponent in enumerate(_SCALES):
        if scale > 0:
            triple = Triple(*(_halve(triple.image(name)) for name in ("fused", *SOURCES)))
        for name in SOURCES:
            whole, structure = similarity(triple, name)
            factor = whole if scale == len(_SCALES) - 1 else structure
            # A negative mean has no real power; it counts as no similarity at all.
            product[name] *= max(factor, 0.0) ** exponent
    return product["infrared"] + product["visible"]


def _halve(image_HW: Image) -> Image:
    """Average 2 x 2 blocks; an odd last row or column is repeated."""
    height, width = image_HW.shape
    if height % 2 or width % 2:
        image_HW = np.pad(image_HW, ((0, height % 2), (0, width % 2)), mode="edge")
    upper, lower = image_HW[::2], image_HW[1::2]
    return (upper[:, ::2] + upper[:, 1::2] + lower[:, ::2] + lower[:, 1::2]) / 4


SSIM = Metric(
    name="SSIM",
    title="Structural similarity",
    direction="higher",
    low=-2,
    high=2,
    unit="1",
    formula=r"\mathrm{SSIM}(F, A) + \mathrm{SSIM}(F, B)",
    reference="Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural "
    "similarity. IEEE Trans. Image Process. 13(4), 2004",
    function=_ssim,
    minimum_side=11,
    notes="Gaussian window 11 x 11, standard deviation 1.5, inside the image only, K1 .01, K2 .03, range 255, at full "
    "resolution; added over the sources, as the field does.",
)

SSIM_STRETCHED = replace(
    SSIM,
    function=_ssim_stretched,
    notes="Uniform window 7 x 7, sample covariance, range 2 on values 0..255: an accident of an old scikit-image, "
    "which took floats to lie in -1..1. The constants vanish, so smooth areas count as dissimilar.",
    minimum_side=7,
)

MS_SSIM = Metric(
    name="MS_SSIM",
    title="Multi-scale structural similarity",
    direction="higher",
    low=0,
    high=2,
    unit="1",
    formula=r"\sum_{X \in \{A, B\}} l_5(F, X)^{\beta_5} \prod_{j=1}^{5} cs_j(F, X)^{\beta_j}",
    reference="Wang, Simoncelli, Bovik: Multiscale structural similarity for image quality assessment. Asilomar 2003",
    function=_ms_ssim,
    minimum_side=161,
    notes="Windows as for SSIM; scales by 2 x 2 means; means taken before the powers; a negative mean counts as 0. "
    "Libraries differ by .02 on average and .3 on single images, over the order of mean and power, and borders.",
)

METRICS = (SSIM, MS_SSIM)
