"""Metrics that first filter by the eye's contrast sensitivity: Qcb, Qcv."""

import cv2
import numpy as np

from text2pixels.metrics.edges import sobel
from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple
from text2pixels.metrics.windows import gaussian, separable

_BLOCK = 16  # pixels, side of Qcv's regions
_NARROW, _WIDE = gaussian(31, 2), gaussian(31, 4)


def _radial_frequency(size: tuple[int, int], cycles: float) -> Image:
    """Return the frequency of every coefficient of a real spectrum, (H, W // 2 + 1), in units of ``cycles`` per image.

    Rows are vertical frequencies in the order of `numpy.fft.fftfreq`, columns horizontal ones from 0.
    """
    height, width = size
    v = np.fft.fftfreq(height, cycles / height)
    u = np.arange(width // 2 + 1) / cycles
    frequency: Image = np.sqrt(np.square(v)[:, None] + np.square(u))
    return frequency


def filter_by(image_HW: Image, transfer: Image) -> Image:
    """Multiply the spectrum of an image, continued periodically, by a real transfer function, (H, W // 2 + 1)."""
    height, width = image_HW.shape
    spectrum = cv2.dft(image_HW)  # numpy.fft takes twice as long on odd sizes
    # OpenCV packs the spectrum of a real image into (H, W): the columns are u = 0, then real and imaginary
    # parts of u = 1, 2, ... The columns of the real u = 0 and u = W / 2 pack the vertical frequencies likewise.
    packed = np.repeat(transfer, 2, axis=1)[:, 1 : width + 1]
    v = (np.arange(height) + 1) // 2
    packed[:, 0] = transfer[v, 0]
    if width % 2 == 0:
        packed[:, -1] = transfer[v, -1]
    spectrum *= packed
    filtered: Image = cv2.idft(spectrum, dst=spectrum, flags=cv2.DFT_SCALE)
    return filtered


def masked_contrast(image_HW: Image) -> Image:
    """Return the local contrast as the eye sees it, >= 0, (H, W): Chen and Blum, equations (8) to (11)."""
    frequency = _radial_frequency((image_HW.shape[0], image_HW.shape[1]), cycles=15)
    sensitivity = np.exp(-np.square(frequency / 15.3870)) - 0.7622 * np.exp(-np.square(frequency / 1.3456))
    seen = filter_by(image_HW, sensitivity)
    contrast = np.abs(separable(seen, _NARROW, _NARROW, "zero") / separable(seen, _WIDE, _WIDE, "zero") - 1)
    # A flat image has no contrast, though rounding leaves a trace of it; a black image gives 0/0.
    contrast[~(contrast > 1e-9)] = 0
    energy = np.square(contrast)
    return contrast * energy / (energy + 1e-4)


def _chen_blum(triple: Triple) -> float:
    fused = triple.once(masked_contrast, "fused")
    sources = [triple.once(masked_contrast, name) for name in SOURCES]
    energy = np.square(sources[0]) + np.square(sources[1])
    quality = np.zeros_like(fused)
    for source in sources:
        high = np.maximum(source, fused)
        # Where neither has contrast, all of it is preserved; where neither source has, the shares are equal.
        preserved = np.minimum(source, fused) / high
        preserved[high == 0] = 1
        share = np.square(source) / energy
        share[energy == 0] = 0.5
        quality += preserved * share
    return float(quality.mean())


def _chen_varshney(triple: Triple) -> float:
    frequency = 0.144 * _radial_frequency(triple.size, cycles=4)
    sensitivity = 2.6 * (0.0192 + frequency) * np.exp(-(frequency**1.1))
    numerator = denominator = np.float64(0)
    for name in SOURCES:
        gx, gy = triple.once(_sobel_zero, name)
        energy = np.square(gx) + np.square(gy)
        saliency = _block_sums(np.square(energy) * np.sqrt(energy))
        difference = np.square(filter_by(triple.image(name) - triple.fused, sensitivity))
        numerator += (saliency * _block_sums(difference) / _block_sums(np.ones_like(difference))).sum()
        denominator += saliency.sum()
    return numerator / denominator


def _sobel_zero(image_HW: Image) -> tuple[Image, Image]:
    return sobel(image_HW, "zero")


def _block_sums(image_HW: Image) -> Image:
    """Return the sum of every block; those at the right and lower edge may be partial."""
    rows, columns = (np.arange(0, side, _BLOCK) for side in image_HW.shape)
    sums: Image = np.add.reduceat(np.add.reduceat(image_HW, columns, axis=1), rows, axis=0)
    return sums


QCB = Metric(
    name="Qcb",
    title="Chen-Blum: preserved perceived contrast",
    direction="higher",
    low=0,
    high=1,
    unit="1",
    formula=r"\mathrm{mean}\,(\lambda_A Q_{AF} + \lambda_B Q_{BF}), \quad Q_{XF} = \min(C'_X, C'_F) / \max(C'_X, C'_F)",
    reference="Chen, Blum: A new automated quality assessment algorithm for image fusion. Image Vis. Comput. "
    "27(10), 2009",
    function=_chen_blum,
    notes="Difference-of-Gaussians sensitivity, the image spanning 15 degrees; contrast from Gaussians 2 and 4. Images "
    "as saved: the common toolbox first stretches each of the three to 0..255.",
)

QCV = Metric(
    name="Qcv",
    title="Chen-Varshney: perceived difference in salient regions",
    direction="lower",
    low=0,
    high=float("inf"),
    unit="grey level²",
    formula=r"\frac{\sum_w (\lambda_A D_{AF} + \lambda_B D_{BF})}{\sum_w (\lambda_A + \lambda_B)}, \quad "
    r"\lambda_X = \sum_w g_X^5, \; D_{XF} = \mathrm{mean}_w (h * (X - F))^2",
    reference="Chen, Varshney: A human perception inspired quality metric for image fusion based on regional "
    "information. Inf. Fusion 8(2), 2007",
    function=_chen_varshney,
    undefined="both sources are black",
    notes="Regions of 16 x 16, Mannos-Sakrison sensitivity, saliency exponent 5. Images as saved: the common toolbox "
    "first stretches each of the three to 0..255. A partial region at the edge is averaged over its own pixels.",
)

METRICS = (QCB, QCV)
