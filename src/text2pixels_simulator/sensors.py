"""The two cameras behind their lenses: exposure, blur, noise, quantisation.

Shape suffixes: H, W frame.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image8 = NDArray[np.uint8]

_LEVELS = 4096  # of the tone curve's table
_CEILING = 4.0  # radiance times exposure at the end of that table


def _tone_table() -> Image8:
    x = np.linspace(0, _CEILING, _LEVELS)
    return np.rint(255 * (1 - np.exp(-1.6 * x)) ** (1 / 2.2)).astype(np.uint8)


_TONE = _tone_table()


def expose_visible(radiance: Floats, night: bool, unit: float, rng: Generator) -> Image8:
    """Return (H, W, 3) RGB of linear radiance (H, W, 3); ``unit``: pixels per pixel of a 320x256 frame."""
    key = float(np.mean(np.sqrt(np.minimum(radiance[::4, ::4], 1.5)))) ** 2
    target = rng.uniform(0.035, 0.08) if night else rng.uniform(0.2, 0.3)
    exposure = float(np.clip(target / max(key, 1e-4), 0.5, 6.0 if night else 1.6))
    signal = cv2.GaussianBlur(radiance, (0, 0), 0.45 * unit**0.5) * np.float32(exposure)
    # Shot noise: its variance grows with the signal, and with the amplification that the dark needs.
    shot, read = (0.0020, 0.0055) if night else (0.00022, 0.0022)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    signal = signal + noise * np.sqrt(np.maximum(signal, 0) * np.float32(shot) + np.float32(read**2))
    steps = np.clip(signal * np.float32((_LEVELS - 1) / _CEILING), 0, _LEVELS - 1).astype(np.uint16)
    image: Image8 = _TONE.take(steps)
    return image


def expose_infrared(celsius: Floats, unit: float, rng: Generator) -> Image8:
    """Return (H, W) gray levels of apparent temperatures (H, W), hot is white.

    The gain control puts the scene's median at a dark gray and what is as warm as skin near white,
    compresses what is colder (the sky), and lifts local detail, as thermal cameras do.
    """
    optics = cv2.GaussianBlur(celsius, (0, 0), 0.85 * unit**0.7)
    local = cv2.GaussianBlur(cv2.resize(optics, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), 5 * unit)
    detail = optics - cv2.resize(local, (optics.shape[1], optics.shape[0]), interpolation=cv2.INTER_LINEAR)
    middle = float(np.median(optics[optics.shape[0] // 3 :: 2, ::2]))
    dark, bright = rng.uniform(52, 110), rng.uniform(220, 248)
    hot = max(32.5, middle + 12)
    gain = (bright - dark) / (hot - middle)
    level = (optics - np.float32(middle)) * np.float32(gain)
    level = np.where(level < 0, -(dark - 8) * np.tanh(-level / np.float32(dark * 0.9)), level) + np.float32(dark)
    level += np.clip(detail * np.float32(gain * 0.8), -20, 20)
    hottest = np.float32(220)
    level = np.where(level > hottest, hottest + 33 * np.tanh((level - hottest) / 50), level)
    h, w = level.shape
    columns = rng.normal(0, rng.uniform(0.4, 1.4), w).astype(np.float32)
    rows = rng.normal(0, 0.35, h).astype(np.float32)
    drift = cv2.resize(rng.normal(0, 2.2, (3, 4)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    netd = rng.standard_normal((h, w), dtype=np.float32) * np.float32(rng.uniform(1.2, 2.4))
    level += columns[None, :] + rows[:, None] + drift + netd
    image: Image8 = np.clip(np.rint(level), 0, 255).astype(np.uint8)
    return image
