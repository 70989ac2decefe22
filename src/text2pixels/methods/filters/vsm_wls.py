"""VSM-WLS: four scales of a rolling guidance filter, bases weighted by visual saliency, details by least squares.

J. Ma, Z. Zhou, B. Wang, H. Zong, "Infrared and visible image fusion based on visual saliency map and weighted
least square optimization", Infrared Physics & Technology 82, 2017, sections 2 and 3, with the parameters of the
authors' script. It takes the visible image's coarse details and cleans them of the infrared's noise.

Legend of shape suffixes: H height, W width.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from text2pixels.methods.method import Float

Image = NDArray[np.float64]

_SCALES = (2, 4, 8)  # pixels, sigma_s of the rolling guidance filter from one level to the next
_RANGE = 0.05  # sigma_r: the contrast below which the filter smooths, of images in [0, 1]
_ITERATIONS = 4
_BASE_SIGMA = 2  # pixels, of the Gaussian that parts the base from the coarsest detail
_MASK_SIGMA, _MASK_WINDOW = 2, 13  # pixels, of the Gaussian that smooths which image has the larger detail
_LOCAL_WINDOW = 7  # pixels, over which the visible detail is averaged
_LAMBDA = 0.01  # how much a detail keeps to the infrared's


def fuse(infrared_HW: Float, visible_HW: Float) -> Float:
    """Fuse infrared and luminance (H, W), float32 in 0..255; the result is on that scale, not clipped."""
    infrared, visible = infrared_HW.astype(np.float64) / 255, visible_HW.astype(np.float64) / 255
    *infrared_details, infrared_base = _decompose(infrared)
    *visible_details, visible_base = _decompose(visible)
    # Equation 10: half each, and the more salient image more.
    lean = (_saliency(infrared) - _saliency(visible)) / 2
    fused = (0.5 + lean) * infrared_base + (0.5 - lean) * visible_base
    finest, *coarser = zip(infrared_details, visible_details, strict=True)
    fused += np.where(np.abs(finest[0]) >= np.abs(finest[1]), *finest)
    for infrared_detail, visible_detail in coarser:
        fused += _fuse_details(infrared_detail, visible_detail)
    return (fused * 255).astype(np.float32)


def _decompose(image: Image) -> Iterator[Image]:
    """Yield four details, the finest first, and the base; they sum to the image (equations 3 to 5)."""
    for sigma in _SCALES:
        smooth = _rolling_guidance(image, sigma)
        yield image - smooth
        image = smooth
    base = _gaussian(image, _BASE_SIGMA)
    yield image - base
    yield base


def _rolling_guidance(image: Image, sigma: int) -> Image:
    """Remove structure below a size and keep the edges of what is larger.

    A Gaussian removes it; then a guided filter, led by its own last result, brings the large edges back.
    """
    height, width = image.shape
    counts = _box(np.ones((height, width)), sigma)

    def mean(values: Image) -> Image:
        return _box(values, sigma) / counts

    image_mean = mean(image)
    result = _gaussian(image, sigma)
    for _ in range(_ITERATIONS):
        guide, guide_mean = result, mean(result)
        variance = mean(guide * guide) - guide_mean * guide_mean
        slope = (mean(guide * image) - guide_mean * image_mean) / (variance + _RANGE**2)
        result = mean(slope) * guide + mean(image_mean - slope * guide_mean)
    return result


def _saliency(image: Image) -> Image:
    """Return how much each pixel's level differs from those of all others, in [0, 1] (equations 8 and 9)."""
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256)
    steps = np.arange(256)
    table = np.abs(steps[:, None] - steps) @ counts
    saliency = table[levels].astype(np.float64)
    low, high = saliency.min(), saliency.max()
    # In an image of one level nothing is salient.
    return (saliency - low) / (high - low) if high > low else np.zeros_like(saliency)


def _fuse_details(infrared: Image, visible: Image) -> Image:
    """Return the detail that stays near the larger of two, and near the infrared's where the visible has none.

    Minimises (d - M)^2 + lambda A (d - infrared)^2 over d (equation 13): M is the larger detail, with a mask
    smoothed against noise, and A falls with the visible detail's local mean. No pixel's term has another
    pixel in it, so the least squares are solved by a division.
    """
    import cv2

    larger = (np.abs(infrared) < np.abs(visible)).astype(np.float64)
    window = (_MASK_WINDOW, _MASK_WINDOW)
    mask = cv2.GaussianBlur(larger, window, _MASK_SIGMA, borderType=cv2.BORDER_REFLECT)
    mixed = mask * visible + (1 - mask) * infrared
    local = cv2.blur(visible, (_LOCAL_WINDOW, _LOCAL_WINDOW), borderType=cv2.BORDER_REPLICATE)
    pull = _LAMBDA / (np.abs(local) + 1e-6)
    return np.asarray((mixed + pull * infrared) / (1 + pull))


def _gaussian(image: Image, sigma: int) -> Image:
    import cv2

    side = 2 * round(3 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REPLICATE))


def _box(image: Image, radius: int) -> Image:
    """Return the sum over each pixel's window; nothing lies beyond the border."""
    import cv2

    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(image, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT))
