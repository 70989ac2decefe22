"""From values of any depth to 8 bits, rounded half up; 8-bit values stay as they are.

Infrared of 16 bits or floating point (raw counts or temperatures, of which a scene fills a small part) is
mapped linearly to 0..255:

- with a ``span`` (the option ``infrared_range`` of a source): from those two values, the same for every
  frame, so that a gray level means one temperature in all of them;
- otherwise, whole numbers of at most 255, multiples of 257, and floating point in [0, 1] are taken for 8-bit data
  in a wide container, and unpacked;
- otherwise from the 0.1 % and 99.9 % percentiles of what the sensor measured. Pixels of 0, NaN or the container's
  largest value are left out: they are dead, saturated, or the border of a warp.

Visible of 16 bits is full range by convention and is divided by 257, not stretched.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.image.colour import Image8

Span = tuple[float, float]

_TAIL = 0.1  # per cent left out at either end of the histogram
_FULL_SCALES = tuple(2.0**bits - 1 for bits in (10, 12, 14, 15, 16))  # largest values of cameras' converters
_BLEND = np.ones((5, 5), np.uint8)  # a warp's interpolation mixes its border with the scene this far


def infrared_to_8_bits(counts: NDArray[np.generic], span: Span | None = None) -> Image8:
    """Map infrared counts (H, W) linearly to 0..255; see the module's docstring.

    Raises:
        ValueError: no value is finite.
    """
    if counts.dtype == np.uint8 and span is None:
        return counts.view(np.uint8)
    values = counts.astype(np.float32)
    if not np.isfinite(values).any():
        raise ValueError("not one value is finite")
    if span is None:
        unpacked = _unpacked(values, counts.dtype.kind == "f")
        if unpacked is not None:
            return unpacked
        span = _span(values)
    low, high = span
    share = (np.where(np.isnan(values), np.float32(low), values) - np.float32(low)) / np.float32(max(high - low, 1e-6))
    return _round(np.clip(share, 0, 1) * np.float32(255))


def common_span(frames: Iterable[NDArray[np.generic]]) -> Span | None:
    """Return one span for all frames of a camera, so that a gray level means one temperature in each of them.

    It reaches from the least low to the greatest high percentile of any frame, so that no frame loses more than
    it would alone.

    Args:
        frames: (H, W) each, of more than 8 bits; 8-bit frames have nothing to map and are passed over.

    Returns:
        None where no frame needs a span: all hold 8 bits, or no finite value.
    """
    spans = []
    for counts in frames:
        values = counts.astype(np.float32)
        if (
            counts.dtype == np.uint8
            or not np.isfinite(values).any()
            or _unpacked(values, counts.dtype.kind == "f") is not None
        ):
            continue
        spans.append(_span(values))
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None


def visible_to_8_bits(values: NDArray[np.generic]) -> Image8:
    """Scale visible values (H, W) or (H, W, 3), of which the container's full scale is white, to 0..255.

    Raises:
        ValueError: a scale for which there is no convention: signed values, or floating point beyond 255.
    """
    if values.dtype == np.uint8:
        return values.view(np.uint8)
    wide = values.astype(np.float32)
    unpacked = _unpacked(wide, values.dtype.kind == "f")
    if unpacked is not None:
        return unpacked
    if values.dtype == np.uint16:
        scaled: Image8 = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return scaled
    low, high = np.nanmin(wide), np.nanmax(wide)
    if values.dtype == np.float32 and low >= 0 and high <= 255:
        return _round(np.nan_to_num(wide))
    raise ValueError(f"its values go from {low:g} to {high:g}, so what is white is not known")


def _round(values: NDArray[np.float32]) -> Image8:
    rounded: Image8 = np.floor(values + np.float32(0.5)).astype(np.uint8)
    return rounded


def _unpacked(values: NDArray[np.float32], floating: bool) -> Image8 | None:
    """Return the 8-bit image that a wide container holds, or None where it holds more; NaN becomes 0."""
    known = np.where(np.isfinite(values), values, np.float32(0))
    low, high = known.min(), known.max()
    if low < 0 or high > 65535:
        return None
    if floating and high <= 1:
        return _round(known * np.float32(255))
    whole = known.astype(np.uint16)
    if (whole != known).any():
        return None
    if high <= 255:
        return whole.astype(np.uint8)
    return None if (whole % 257).any() else (whole // 257).astype(np.uint8)


def _span(values: NDArray[np.float32]) -> Span:
    """Return the percentiles of what the sensor measured."""
    finite = np.isfinite(values)
    low, high = values[finite].min(), values[finite].max()
    dead = ~finite | (values == 0)
    if high in _FULL_SCALES:
        dead |= values == high
    if -low - 1 in _FULL_SCALES:
        dead |= values == low
    inner = cv2.dilate(dead.astype(np.uint8), _BLEND) == 0
    # Where only small areas are not dead, leaving out their edges would leave almost nothing.
    where = inner if 2 * inner.sum() > (~dead).sum() else ~dead
    for measured in (values[where], values[finite]):
        if measured.size:
            low, high = np.percentile(measured, (_TAIL, 100 - _TAIL))
            if low == high:  # all but a few pixels alike
                low, high = measured.min(), measured.max()
        if low < high:
            break
    return float(low), float(high)
