"""Light on its way to the visible camera, and heat on its way to the infrared one.

The texture of asphalt, leaves, clouds and smoke comes from periodic random fields with a power-law spectrum.

Shape suffixes: H, W frame plus margins. Radiance: 1 = white paper in daylight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from text2pixels_simulator.canvas import ASPHALT, CLOUD, SKY_AIR, Camera, Colour, Surfaces
from text2pixels_simulator.furniture import Lamp
from text2pixels_simulator.weather import Weather

Floats = NDArray[np.float32]

_PERIOD = 512  # of a noise field, its pixels


@dataclass(frozen=True)
class Source:
    """A light that shines into the lens: frame pixels, strength of its halo, size of its disc in pixels."""

    u: float
    v: float
    strength: float
    radius: float
    colour: Colour
    turn: float  # of the star's rays, radians


@dataclass(frozen=True)
class Smoke:
    """A drifting cloud of smoke."""

    depth: float  # of its nearest part, metres
    column: float  # where it rises, share of the frame's width
    spread: float  # share of the width
    density: float
    gray: float
    offset: tuple[float, float]


def draw_smoke(rng: Generator) -> Smoke:
    """Draw a cloud of smoke."""
    return Smoke(
        depth=float(rng.uniform(4, 9)),
        column=float(rng.uniform(0.15, 0.85)),
        spread=float(rng.uniform(0.28, 0.5)),
        density=float(rng.uniform(2.6, 4.5)),
        gray=float(rng.uniform(0.35, 0.75)),
        offset=(float(rng.uniform(0, _PERIOD)), float(rng.uniform(0, _PERIOD))),
    )


def textures(surfaces: Surfaces, camera: Camera, offset: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return, (H, W) each, the noise that the grain of each pixel follows, and the noise that its mottle follows.

    The fields are anchored to the frame, so that a margin does not change the frame.
    """
    shape = surfaces.celsius.shape
    per_pixel, m = 1 / camera.unit, camera.margin
    x0, y0 = offset[0] - m * per_pixel, offset[1] - m * per_pixel
    # The first field grows with the frame; the second stays as fine as the pixels.
    grain = 0.8 * _plane(0.55, shape, (per_pixel, per_pixel), (x0, y0))
    grain += 0.6 * _plane(0.3, shape, (1.0, 1.0), (offset[1] - m, offset[0] - m))
    cloud = _plane(1.7, shape, (0.55 * per_pixel, 1.5 * per_pixel), (0.55 * x0, 1.5 * y0))
    depth: Floats = np.reciprocal(camera.rows_below_horizon())[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - m - camera.centre)
    x = columns * depth * np.float32(22.0 / camera.focal) + np.float32(offset[0])
    y = np.broadcast_to(depth * np.float32(9.0) + np.float32(offset[1]), shape)
    # Fainter with distance, where a pixel covers many grains.
    ground = _sample(0.5, x, y) * np.minimum(1, 12 / depth)

    def choose(kind: NDArray[np.uint8]) -> Floats:
        chosen = np.where(kind == ASPHALT, ground, grain)
        np.copyto(chosen, cloud, where=kind == CLOUD)
        return chosen.astype(np.float32, copy=False)

    return choose(surfaces.noise), choose(surfaces.thermal_noise)


def smoke_cover(smoke: Smoke, nearness: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Return (H, W) the share of light that the smoke before each pixel holds back, and its brightness."""
    h, w = nearness.shape
    m, per_pixel = camera.margin, 1 / camera.unit
    u = (np.arange(w, dtype=np.float32)[None, :] + np.float32(0.5 - m)) / camera.width - np.float32(smoke.column)
    v = (np.arange(h, dtype=np.float32)[:, None] + np.float32(0.5 - m)) / camera.height
    x0, y0 = smoke.offset
    scale = 0.5 * per_pixel
    bend = _plane(1.6, (h, w), (scale, scale), (y0 - scale * m, x0 - scale * m))
    # One field displaces the coordinates at which another is read, which gives curls.
    x = (np.arange(w, dtype=np.float32)[None, :] - m) * np.float32(0.9 * per_pixel) + bend * 22 + np.float32(x0)
    y = (np.arange(h, dtype=np.float32)[:, None] - m) * np.float32(0.9 * per_pixel) + bend * 14 + np.float32(y0)
    puffs = _sample(1.35, x, y)
    plume = np.exp(-((u + 0.05 * bend) ** 2) / np.float32(2 * smoke.spread**2))
    plume *= np.clip(1.5 - np.abs(v - 0.55) * 1.7, 0, 1)
    thickness = np.clip(plume * (1 + 0.55 * puffs) - 0.22, 0, None) * np.float32(smoke.density)
    behind = np.clip((1 / nearness - np.float32(smoke.depth) + 1.6 * puffs) / 9, 0, 1)
    brightness = np.clip(1.0 + 0.17 * bend + 0.10 * puffs + 0.25 * (0.5 - v), 0.4, 1.5)
    opacity = 1 - np.exp(-thickness * behind)
    return opacity.astype(np.float32, copy=False), brightness.astype(np.float32, copy=False)


def visible_radiance(
    surfaces: Surfaces, texture: Floats, camera: Camera, weather: Weather, lamps: Sequence[Lamp],
    sources: Sequence[Source], smoke: Smoke | None, beams: bool,
) -> Floats:  # fmt: skip
    """Return (H, W, 3) linear radiance that reaches the visible lens."""
    depth = np.minimum(1 / surfaces.nearness, np.float32(SKY_AIR))
    detail = (1 + surfaces.grain * texture).clip(0.15, 2.5)[..., None]
    light = _irradiance(surfaces, depth, camera, weather, lamps, beams)
    radiance = (surfaces.colour * light + surfaces.emission) * detail
    air = np.array((0.012, 0.012, 0.014) if weather.night else (0.80, 0.82, 0.84), dtype=np.float32)
    thickness = depth * np.float32(weather.extinction)
    if weather.condition == "fog":  # it lies in banks and is brighter towards the sky
        air = np.array((0.045, 0.042, 0.038) if weather.night else (0.66, 0.67, 0.68), dtype=np.float32)
        air = air * np.linspace(1.15, 0.85, len(depth), dtype=np.float32)[:, None, None]
        per_pixel = 1 / camera.unit
        banks = _plane(1.7, depth.shape, (0.4 * per_pixel, 1.1 * per_pixel), (40.0, 70.0))
        thickness *= 1 + 0.22 * banks.clip(-2, 2)
    through = np.exp(-thickness)[..., None]
    glow = _bloom(
        surfaces.emission * through if weather.night else np.clip(surfaces.emission - 1.2, 0, None), camera, weather
    )
    radiance = radiance * through + air * (1 - through) + glow
    if smoke is not None:
        opacity, brightness = (part[..., None] for part in smoke_cover(smoke, surfaces.nearness, camera))
        tint = np.array([1.0, 0.97, 0.93], dtype=np.float32) * np.float32(smoke.gray * (0.09 if weather.night else 0.8))
        radiance = radiance * (1 - opacity) + (tint * brightness + 0.5 * glow) * opacity
    for source in sources:
        radiance += _veil(source, surfaces.celsius.shape, camera)
    total: Floats = radiance.astype(np.float32, copy=False)
    return total


def _irradiance(
    surfaces: Surfaces, depth: Floats, camera: Camera, weather: Weather, lamps: Sequence[Lamp], beams: bool
) -> Floats:
    """Return (H, W, 3) light that falls on each pixel's surface."""
    h, w = depth.shape
    shadow = np.where(surfaces.ground, surfaces.shadow, 0)
    if not weather.night:
        sunny = weather.sun is not None
        colour = (1.05, 1.0, 0.92) if sunny else (0.80, 0.82, 0.85)
        day: Floats = (1 - np.float32(1.0 if sunny else 0.6) * shadow)[..., None] * np.array(colour, dtype=np.float32)
        return day
    u = np.arange(w, dtype=np.float32)[None, :] + np.float32(0.5 - camera.margin - camera.centre)
    v = np.arange(h, dtype=np.float32)[:, None] + np.float32(0.5 - camera.margin - camera.horizon)
    per_pixel = depth / np.float32(camera.focal)
    x = u * per_pixel + np.float32(camera.x) - np.float32(camera.bend) * depth * depth
    y = np.float32(camera.y) - v * per_pixel
    total = np.empty((h, w, 3), dtype=np.float32)
    total[:] = np.array([0.0030, 0.0035, 0.0046], dtype=np.float32)
    for lamp in lamps:
        bx, by, bz = lamp.bulb
        away = (x - np.float32(bx)) ** 2 + (y - np.float32(by)) ** 2 + (depth - np.float32(bz)) ** 2
        below = np.clip((np.float32(by) - y) / np.sqrt(away), 0, 1)
        pool = np.float32(lamp.power) * below**2 / (away + 1)
        total += pool[..., None] * np.array(lamp.colour, dtype=np.float32)
    if beams:  # headlights of the car that carries the camera
        angle = (u / np.float32(camera.focal)) ** 2 * 14 + np.clip(-v / np.float32(camera.focal) + 0.02, 0, None) * 22
        beam = np.float32(9.0) * np.exp(-angle) / (depth * depth + 25)
        total += beam[..., None] * np.array([1.0, 0.94, 0.82], dtype=np.float32)
    total *= (1 - np.float32(0.7) * shadow)[..., None]
    return total


def _bloom(emission: Floats, camera: Camera, weather: Weather) -> Floats:
    """Return (H, W, 3) light that lens and air scatter around bright sources; more in fog."""
    h, w, _ = emission.shape
    small = cv2.resize(np.minimum(emission, 30), (max(w // 4, 1), max(h // 4, 1)), interpolation=cv2.INTER_AREA)
    wet = weather.condition == "fog"
    near = cv2.GaussianBlur(small, (0, 0), 1.0 * camera.unit)
    far = cv2.GaussianBlur(small, (0, 0), (7.0 if wet else 4.0) * camera.unit)
    glow = near * (0.16 if wet else 0.10) + far * (0.5 if wet else 0.14)
    return cv2.resize(glow, (w, h), interpolation=cv2.INTER_LINEAR)  # type: ignore[no-any-return]


def _veil(source: Source, shape: tuple[int, ...], camera: Camera) -> Floats:
    """Return (H, W, 3) glare of one source: disc, halo and star-shaped streaks."""
    m = camera.margin
    x = np.arange(shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - m - source.u)
    y = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - m - source.v)
    distance = np.hypot(x, y) / np.float32(source.radius)
    halo = 0.55 / (1 + distance) ** 1.15 + 2.2 / (1 + (distance / 1.6) ** 3)
    angle = np.arctan2(y, x)
    star = np.abs(np.cos(angle * 3 + np.float32(source.turn))) ** 24 / (1 + distance * 0.35) ** 1.4
    veil = (halo + 0.5 * star) * np.float32(source.strength)
    glare: Floats = veil[..., None] * np.array(source.colour, dtype=np.float32)
    return glare


def apparent_celsius(
    surfaces: Surfaces, texture: Floats, camera: Camera, weather: Weather, smoke: Smoke | None
) -> Floats:
    """Return (H, W) temperature that the infrared lens sees, in degrees Celsius."""
    celsius = surfaces.celsius + surfaces.mottle * texture
    if weather.sun is not None:
        celsius -= np.where(surfaces.ground, surfaces.shadow * np.float32(3.0), 0)
    depth = np.minimum(1 / surfaces.thermal_nearness, np.float32(SKY_AIR))
    through = np.exp(-depth * np.float32(weather.extinction_infrared))
    if smoke is not None:
        through = through * (1 - 0.22 * smoke_cover(smoke, surfaces.thermal_nearness, camera)[0])
    air = np.float32(weather.celsius)
    apparent: Floats = air + (celsius - air) * through
    return apparent


@lru_cache(maxsize=8)
def _field(exponent: float) -> Floats:
    """Return a (_PERIOD, _PERIOD) field of zero mean and unit deviation whose amplitude falls as f**-exponent."""
    rng = np.random.default_rng(int(exponent * 100))
    fy, fx = np.meshgrid(np.fft.fftfreq(_PERIOD), np.fft.rfftfreq(_PERIOD), indexing="ij")
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1
    amplitude = frequency**-exponent
    amplitude[0, 0] = 0
    values = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((_PERIOD, _PERIOD))) * amplitude, s=(_PERIOD, _PERIOD))
    unit: Floats = (values / values.std()).astype(np.float32)
    unit.setflags(write=False)
    return unit


def _sample(exponent: float, x: Floats, y: Floats) -> Floats:
    """Return the field at positions (x, y) of any shape, interpolated linearly and repeated periodically."""
    return cv2.remap(_field(exponent), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)  # type: ignore[no-any-return]


def _plane(exponent: float, shape: tuple[int, int], scale: tuple[float, float], offset: tuple[float, float]) -> Floats:
    """Return a part of the field, (H, W): pixel (x, y) shows the field at (x, y) * ``scale`` + ``offset``."""
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]], dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    return cv2.warpAffine(_field(exponent), matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)  # type: ignore[no-any-return]
