"""GFF: two scales, each with its own weights, smoothed by a guided filter along the image's edges.

S. Li, X. Kang, J. Hu, "Image Fusion With Guided Filtering", IEEE Trans. Image Processing 22(7), 2013,
section III, with the paper's parameters. The guided filter is that of K. He, J. Sun, X. Tang, "Guided
Image Filtering", ECCV 2010: box means over the pixels that lie inside the image.

Legend of shape suffixes: H height, W width.
"""

import numpy as np
from numpy.typing import NDArray

from text2pixels.methods.method import Float

_BASE = 31  # pixels, side of the averaging filter of equation (1)
_SALIENCY_RADIUS, _SALIENCY_SIGMA = 5, 5.0  # equation (4)
# Radius in pixels and regularisation of the guided filters, for images in [0, 1].
_BASE_RADIUS, _BASE_EPSILON = 45, 0.3  # equation (6)
_DETAIL_RADIUS, _DETAIL_EPSILON = 7, 1e-6  # equation (7)

Array = NDArray[np.float64]


def fuse(infrared_HW: Float, visible_HW: Float) -> Float:
    """Fuse infrared and luminance (H, W), float32 in 0..255; the result is on that scale, not clipped."""
    import cv2

    # Double precision: with epsilon 1e-6 the variances of equation (7) would drown in float32's rounding.
    images = [image.astype(np.float64) / 255 for image in (infrared_HW, visible_HW)]
    bases = [cv2.blur(image, (_BASE, _BASE), borderType=cv2.BORDER_REPLICATE) for image in images]
    details = [image - base for image, base in zip(images, bases, strict=True)]
    saliency_infrared, saliency_visible = (_saliency(image) for image in images)
    infrared_wins = (saliency_infrared > saliency_visible).astype(np.float64)  # equation (5)
    masks = [infrared_wins, 1 - infrared_wins]
    base_weights = _weights(masks, images, _BASE_RADIUS, _BASE_EPSILON)
    detail_weights = _weights(masks, images, _DETAIL_RADIUS, _DETAIL_EPSILON)
    fused = sum(weight * base for weight, base in zip(base_weights, bases, strict=True))
    fused += sum(weight * detail for weight, detail in zip(detail_weights, details, strict=True))
    return (np.asarray(fused) * 255).astype(np.float32)


def _saliency(image_HW: Array) -> Array:
    """Equations (3) and (4): the absolute Laplacian, blurred."""
    import cv2

    edges = np.abs(cv2.Laplacian(image_HW, cv2.CV_64F, borderType=cv2.BORDER_REPLICATE))
    side = 2 * _SALIENCY_RADIUS + 1
    blurred: Array = cv2.GaussianBlur(edges, (side, side), _SALIENCY_SIGMA, borderType=cv2.BORDER_REPLICATE)
    return blurred


def _weights(masks: list[Array], images: list[Array], radius: int, epsilon: float) -> list[Array]:
    """Smooth the masks under the guidance of the images; the weights of a pixel sum to 1."""
    smooth = [
        # A guided filter overshoots; the tiny term keeps the sum above 0.
        np.clip(_guided_filter(image, mask, radius, epsilon), 0, 1) + 1e-12
        for image, mask in zip(images, masks, strict=True)
    ]
    total = smooth[0] + smooth[1]
    return [weight / total for weight in smooth]


def _guided_filter(guide_HW: Array, image_HW: Array, radius: int, epsilon: float) -> Array:
    guide_mean, image_mean = _box_mean(guide_HW, radius), _box_mean(image_HW, radius)
    variance = _box_mean(guide_HW * guide_HW, radius) - guide_mean * guide_mean
    covariance = _box_mean(guide_HW * image_HW, radius) - guide_mean * image_mean
    slope = covariance / (variance + epsilon)
    offset = image_mean - slope * guide_mean
    return _box_mean(slope, radius) * guide_HW + _box_mean(offset, radius)


def _box_mean(image_HW: Array, radius: int) -> Array:
    import cv2

    side = (2 * radius + 1, 2 * radius + 1)
    total, count = (
        cv2.boxFilter(each, cv2.CV_64F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
        for each in (image_HW, np.ones_like(image_HW))
    )
    mean: Array = total / count
    return mean
