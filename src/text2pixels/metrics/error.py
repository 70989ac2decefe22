"""What pixels lost against the sources: MSE, PSNR; and those burnt to white."""

from dataclasses import replace

import cv2
import numpy as np

from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple

_WHITE = 250  # from here on a screen shows no more detail


def mean_squared_error(first_HW: Image, second_HW: Image) -> float:
    """Return the mean of the squared differences."""
    return cv2.norm(first_HW, second_HW, cv2.NORM_L2SQR) / first_HW.size


def _error(triple: Triple) -> float:
    to_infrared = triple.once(mean_squared_error, "fused", "infrared")
    return (to_infrared + triple.once(mean_squared_error, "fused", "visible")) / 2


def _psnr(triple: Triple) -> float:
    return _decibel(255, _error(triple))


def _psnr_stretched(triple: Triple) -> float:
    return _decibel(triple.fused.max(), _error(triple))


def _decibel(peak: float, error: float) -> float:
    # -inf where the peak is 0, as in the code that takes the peak from a black image.
    return float(10 * np.log10(peak**2 / error)) if error > 0 else float("nan")


def _burnt(triple: Triple) -> float:
    white = triple.fused >= _WHITE
    for source in SOURCES:
        white &= triple.image(source) < _WHITE
    return 100 * float(white.mean())


MSE = Metric(
    name="MSE",
    title="Mean squared error",
    direction="lower",
    low=0,
    high=255**2,
    unit="grey level²",
    formula=r"\tfrac{1}{2} (\mathrm{mean}\,(F - A)^2 + \mathrm{mean}\,(F - B)^2)",
    reference="textbook; on fusion: Jagalingam, Hegde: A review of quality metrics for fused image. Aquat. Procedia "
    "4, 2015",
    function=_error,
    notes="Lowest for the plain average of the sources, whatever it looks like. Some code gives it on a scale of 0..1.",
)

PSNR = Metric(
    name="PSNR",
    title="Peak signal-to-noise ratio",
    direction="higher",
    low=0,
    high=float("inf"),
    unit="dB",
    formula=r"10 \log_{10} (255^2 / \mathrm{MSE})",
    reference="Jagalingam, Hegde: A review of quality metrics for fused image. Aquat. Procedia 4, 2015",
    function=_psnr,
    undefined="infinite: the fused image equals both sources",
    notes="Of the mean of the two squared errors. Highest for the plain average of the sources.",
)

PSNR_STRETCHED = replace(
    PSNR, function=_psnr_stretched, low=float("-inf"), notes="The peak is the fused image's own maximum."
)

BURNT = Metric(
    name="burnt",
    title="Pixels burnt to white",
    direction="lower",
    low=0,
    high=100,
    unit="%",
    formula=r"100 \, \mathrm{mean}\,[F \ge 250, \; A < 250, \; B < 250]",
    reference="none: a measure of this project",
    function=_burnt,
    notes="White that neither source shows: detail that the fusion lost. White that a source shows does not count.",
)

METRICS = (MSE, PSNR, BURNT)
