"""Periodic random fields with a power-law spectrum: the texture of asphalt, leaves, clouds, smoke."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 512  # period in field pixels


@lru_cache(maxsize=8)
def field(exponent: float) -> Floats:
    """Return a (SIDE, SIDE) field of zero mean and unit deviation whose amplitude falls as f**-exponent."""
    rng = np.random.default_rng(int(exponent * 100))
    fy, fx = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1
    amplitude = frequency**-exponent
    amplitude[0, 0] = 0
    values = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * amplitude, s=(SIDE, SIDE))
    unit: Floats = (values / values.std()).astype(np.float32)
    unit.setflags(write=False)
    return unit


def sample(exponent: float, x: Floats, y: Floats) -> Floats:
    """Look the field up, linearly and periodically, at positions of any shape."""
    return cv2.remap(field(exponent), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)  # type: ignore[no-any-return]


def plane(exponent: float, shape: tuple[int, int], scale: tuple[float, float], offset: tuple[float, float]) -> Floats:
    """Return an (H, W) cut: field position = pixel * scale + offset, (x, y)."""
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]], dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    return cv2.warpAffine(field(exponent), matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)  # type: ignore[no-any-return]
