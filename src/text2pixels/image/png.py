"""The pipeline's own images: 8-bit PNG that it wrote itself, infrared gray, visible RGB.

Fast and strict: any other image is an error. Users' files, of whatever format and depth, are read by
`text2pixels.image.reader`.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.image.colour import Image8

# OpenCV's decoders print warnings about broken files; this project reports those as errors or quarantine rows.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


def read_gray(path: Path) -> Image8:
    """Read an 8-bit gray image, (H, W).

    A colour file is an error here: decoding it to gray in one step differs from a conversion by up
    to 20 levels, so colour is always read with `read_rgb` and converted with `text2pixels.image.colour`.

    Raises:
        InputError: missing, unreadable, or not 8-bit gray.
    """
    image = _decode(path)
    if image.ndim == 3 and image.shape[2] == 3 and (image == image[..., :1]).all():
        image = image[..., 0]
    if image.ndim != 2 or image.dtype != np.uint8:
        raise InputError(f"{path} is not an 8-bit gray image (found {image.dtype}, shape {image.shape})")
    return image


def read_rgb(path: Path) -> Image8:
    """Read an 8-bit image as RGB, (H, W, 3); gray is replicated.

    Raises:
        InputError: missing, unreadable, or not 8-bit.
    """
    image = _decode(path)
    if image.dtype != np.uint8:
        raise InputError(f"{path} is not an 8-bit image (found {image.dtype})")
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    return np.ascontiguousarray(image[..., 2::-1])  # OpenCV decodes BGR(A)


def write_png(path: Path, image: Image8) -> None:
    """Write a gray (H, W) or RGB (H, W, 3) 8-bit image as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(image))


def encode_png(image: Image8) -> bytes:
    """Return a gray (H, W) or RGB (H, W, 3) 8-bit image as PNG: equal pixels give equal bytes."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # Level 1 writes three times faster than the default for files a tenth larger.
    coded: bytes = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    return coded


def _decode(path: Path) -> NDArray[Any]:
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    image: NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None:
        raise InputError(f"{path} is not an image that OpenCV can decode")
    return image
