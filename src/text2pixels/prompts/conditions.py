"""What the two images themselves say about time, weather, light and heat: statistics and the phrases they allow.

A statistic that does not decide gives no phrase: saying nothing is better than saying something
false. The thresholds were set on RoadScene, MSRS, TNO and M3FD samples.

Shapes: H, W height and width in pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.image.boxes import Box
from text2pixels.image.colour import luminance, quantise
from text2pixels.prompts.phrases import by_noun

_COARSE = (160, 120)  # width, height: sensor noise is gone, a traffic light is still a few pixels
_BLOCK = 5  # pixels of the coarse image: side of a dark-channel block

_COLOURED = 0.002  # mean chroma: a colour camera is above it even in fog; TNO's gray ones are below


@dataclass(frozen=True)
class Statistics:
    """Measurements of a pair, all in [0, 1].

    Attributes:
        brightness: mean luminance.
        contrast: 95th minus 5th percentile of luminance.
        sky: the brightest large area of the upper half over the brightest pixels. By day that area
            is the sky, nearly as bright as anything; at night small lamps outshine it.
        haze: median dark channel (He et al., CVPR 2009) over the 95th percentile of luminance, the airlight.
        blue: share of that sky which is blue; 0 where under a third of the upper half is sky.
        colour: mean chroma of the visible image; 0 for a gray camera.
        green: share of green pixels.
        green_above: the same in the upper half.
        saturated: share of visible pixels at the upper end of the range.
        glare: share of the largest saturated area, if it is as round as the sun or a lamp; else 0.
        dark: share of visible pixels under 0.12.
        heat: 99.5th percentile minus median of the infrared image.
        hot: share of infrared pixels nearer to that percentile than to the median.
        thermal_contrast: 99th minus 1st percentile of the infrared image.
    """

    brightness: float
    contrast: float
    sky: float
    haze: float
    blue: float
    colour: float
    green: float
    green_above: float
    saturated: float
    glare: float
    dark: float
    heat: float
    hot: float
    thermal_contrast: float


def measure(visible: NDArray[np.uint8], infrared: NDArray[np.uint8]) -> Statistics:
    """Measure a pair: visible RGB (H, W, 3) and infrared gray (H, W), 8 bits."""
    rgb = np.asarray(Image.fromarray(visible).resize(_COARSE, Image.Resampling.BOX), dtype=np.float32) / np.float32(255)
    gray = quantise(luminance(visible))
    share_256 = _histogram(gray)
    low, high, highest = _levels(share_256, 0.05, 0.95, 0.99)
    areas = np.asarray(Image.fromarray(gray).resize((16, 12), Image.Resampling.BOX), dtype=np.float32) / 255
    green = rgb[..., 1] - np.maximum(rgb[..., 0], rgb[..., 2]) > 0.03
    heat_256 = _histogram(infrared)
    coldest, middle, hottest, hot = _levels(heat_256, 0.01, 0.5, 0.99, 0.995)
    return Statistics(
        brightness=float(share_256 @ np.arange(256)) / 255,
        contrast=high - low,
        sky=min(float(np.quantile(areas[:6], 0.9)) / max(highest, 1e-3), 1.0),
        haze=min(float(np.median(_dark_channel(rgb))) / max(high, 1e-3), 1.0),
        blue=_blue_sky(rgb),
        colour=float((rgb.max(axis=2) - rgb.min(axis=2)).mean()),
        green=float(green.mean()),
        green_above=float(green[: len(green) // 2].mean()),
        saturated=float(share_256[248:].sum()),
        glare=_glare(np.asarray(Image.fromarray(gray).resize(_COARSE, Image.Resampling.BOX))),
        dark=float(share_256[:31].sum()),
        heat=hot - middle,
        hot=float(heat_256[round((hot + middle) / 2 * 255) + 1 :].sum()),
        thermal_contrast=hottest - coldest,
    )


def _histogram(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of pixels at each of the 256 levels."""
    counted: NDArray[np.float64] = np.bincount(image.reshape(-1), minlength=256) / image.size
    return counted


def _levels(share_256: NDArray[np.float64], *quantiles: float) -> list[float]:
    """Return quantiles in [0, 1] of an image given by its histogram."""
    # The tolerance keeps a rounding error of the sum from skipping a level.
    return [float(level) / 255 for level in np.searchsorted(share_256.cumsum(), np.array(quantiles) - 1e-9)]


def _dark_channel(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the smallest value of any channel in each block, (H / 5, W / 5)."""
    smallest = rgb.min(axis=2)
    rows, columns = smallest.shape[0] // _BLOCK, smallest.shape[1] // _BLOCK
    blocks: NDArray[np.float32] = smallest.reshape(rows, _BLOCK, columns, _BLOCK).min(axis=(1, 3))
    return blocks


def _blue_sky(rgb: NDArray[np.float32]) -> float:
    """Return the blue share of the bright pixels of the upper half, if those are a third of it or more."""
    above = rgb[: len(rgb) // 2]
    brightness = above.mean(axis=2)
    sky = brightness > 0.7 * brightness.max()
    if sky.mean() < 1 / 3:
        return 0.0
    return float(((above[..., 2] - above[..., 0] > 0.04) & sky).sum() / sky.sum())


def _glare(y: NDArray[np.uint8]) -> float:
    """Return the share of the largest area over 95 % of the range, 0 where it is not a disc.

    The mean square distance from the centre of a disc of n pixels is n / (2 pi); of any other shape it is more.
    """
    import cv2

    _, labels, stats, centres = cv2.connectedComponentsWithStats((y > 242).astype(np.uint8))
    if len(stats) < 2:  # the background alone
        return 0.0
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    rows, columns = np.nonzero(labels == largest)
    squares = (rows - centres[largest, 1]) ** 2 + (columns - centres[largest, 0]) ** 2
    is_disc = squares.mean() < 1.09 * rows.size / (2 * np.pi)
    return float(rows.size / y.size) if is_disc else 0.0


def time_of_day(measured: Statistics) -> str:
    """Return "day", "night", or "unknown" where the images do not decide."""
    if measured.brightness < 0.25:
        return "night"
    if measured.sky >= 0.86 or (measured.green >= 0.15 and measured.brightness >= 0.3):
        return "day"
    # A gray image that is not dark and shows no sky may be anything: a forest by day, a lit wall at night.
    if measured.sky < (0.75 if measured.colour > 0.05 else 0.7) and measured.colour > _COLOURED:
        return "night"
    return "unknown"


def of_time(time: str) -> list[str]:
    """Return the phrase of a time of day."""
    return {"day": ["in daylight"], "night": ["at night"]}.get(time, [])


def of_weather(measured: Statistics, time: str) -> list[str]:
    """Return what can be said of the air between camera and scene."""
    if measured.contrast < 0.35 and measured.haze > 0.7:
        # Fog veils the whole picture, smoke leaves parts of it clear. In a gray image the two cannot be told apart.
        return ["thick fog"] if measured.contrast < 0.26 and measured.colour > _COLOURED else ["poor visibility"]
    # A gray image does not tell white smoke from a white sky: only colour images are said to be clear.
    if time == "day" and measured.contrast > 0.4 and measured.colour > _COLOURED:
        return ["clear weather"] if measured.blue > 0.75 else ["good visibility"]
    return []


def of_visible(measured: Statistics, time: str) -> list[str]:
    """Return the conditions of the visible image."""
    phrases = []
    if measured.dark > 0.6:
        phrases.append("a dark scene")
    if time == "night" and measured.saturated > 0.001:
        phrases.append("bright lights")
    elif measured.saturated > 0.1:
        phrases.append("overexposed areas")
    if measured.glare > 0.006:
        phrases.append("glare")
    if measured.contrast < 0.35:
        phrases.append("low contrast")
    return phrases


def of_infrared(measured: Statistics) -> list[str]:
    """Return the conditions of the infrared image."""
    if measured.thermal_contrast < 0.4:
        return ["low thermal contrast"]
    if measured.heat > 0.35 and measured.hot < 0.08:
        return ["warm objects"]
    return []


def of_objects(boxes: Iterable[Box], visible_y: NDArray[np.float32], infrared: NDArray[np.uint8]) -> list[str]:
    """Say which objects stand out by their heat and which hardly show in the visible image.

    Args:
        boxes: objects, pixels of the visible frame.
        visible_y: luminance (H, W) in [0, 1].
        infrared: gray (H, W), 8 bits.
    """
    phrases = []
    heat = infrared.astype(np.float32) / np.float32(255)
    for name, members in by_noun(boxes):
        warmth = float(np.median([_contrast(heat, box) for box in members]))
        if warmth > 0.08:
            phrases.append(f"a warm {name.bare}")
        elif warmth < -0.08:
            phrases.append(f"a cold {name.bare}")
        seen = max(abs(_contrast(visible_y, box)) + _spread(visible_y, box) for box in members)
        if seen < 0.1:
            phrases.append(f"{name.one} hard to see")
    return phrases


def _contrast(image: NDArray[np.float32], box: Box) -> float:
    """Return mean inside the box minus mean of the surrounding ring half a box wide."""
    inside = _crop(image, box, 0.0)
    around = _crop(image, box, 0.5)
    if inside.size == 0 or around.size == inside.size:
        return 0.0
    ring = (float(around.sum(dtype=np.float64)) - float(inside.sum(dtype=np.float64))) / (around.size - inside.size)
    return float(inside.mean()) - ring


def _spread(image: NDArray[np.float32], box: Box) -> float:
    inside = _crop(image, box, 0.0)
    return float(inside.std()) if inside.size else 0.0


def _crop(image: NDArray[np.float32], box: Box, margin: float) -> NDArray[np.float32]:
    height, width = image.shape
    left, right = box.x - margin * box.w, box.x + (1 + margin) * box.w
    top, bottom = box.y - margin * box.h, box.y + (1 + margin) * box.h
    return image[max(round(top), 0) : min(round(bottom), height), max(round(left), 0) : min(round(right), width)]
