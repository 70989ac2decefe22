"""Buildings: along the street, across its end, and on the horizon."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from text2pixels_simulator.canvas import Canvas, Colour, Material, Points
from text2pixels_simulator.colours import FACADE, LEAVES, SIGN, pick, shaded, srgb
from text2pixels_simulator.street import FAR, Street
from text2pixels_simulator.weather import Weather

_STOREY = 3.2  # metres
_DARK: Colour = (0.0, 0.0, 0.0)
_ACROSS, _UP = [0, 1, 1, 0], [2, 2, 3, 3]  # columns of a span that are a rectangle's corners


def paint_skyline(canvas: Canvas, weather: Weather, rng: Generator) -> None:
    """Paint towers and a line of trees far off."""
    x = rng.uniform(-190, -150)
    while x < 190:
        width, height = rng.uniform(12, 34), rng.uniform(8, 70) if rng.random() < 0.6 else rng.uniform(6, 14)
        depth = rng.uniform(230, 330)
        if rng.random() < 0.75:
            _front(canvas, weather, rng, x, x + width, depth, height, storey=4.5, bay=5.0)
        x += width * rng.uniform(0.7, 1.3)
    green = shaded(pick(rng, LEAVES), weather.shade((0, 0.6, -0.8)) * 0.6)
    tops = np.stack(
        [np.linspace(-220, 220, 120), 3 + 4 * rng.random(120) + 2 * rng.random(120), np.full(120, 200.0)], 1
    )
    outline = canvas.camera.project(np.concatenate([tops, [(220, -2, 200), (-220, -2, 200)]]))
    canvas.paint(outline, Material(green, weather.celsius, grain=0.5, mottle=0.6), 200.0)


def paint_frontage(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> list[tuple[float, float]]:
    """Paint the buildings on both sides, far to near; return places (x, z) for trees."""
    trees: list[tuple[float, float]] = []
    lots: list[tuple[float, int, float]] = []
    for side in (-1, 1):
        z = float(rng.uniform(-4, 4))
        while z < min(FAR, street.end):
            length = float(rng.uniform(9, 24))
            if street.crossing is not None and z - 7 < street.crossing < z + length + 7:
                z = street.crossing + 7.5
                continue
            if rng.random() < street.built:
                lots.append((z, side, length - float(rng.choice([0.0, 0.0, 3.0]))))
            else:
                rows = np.arange(z + 2, min(z + length, 80), 5.5).tolist()
                trees += [(side * (street.kerb + float(rng.uniform(0, 5))), row) for row in rows]
            z += length
    if street.end < FAR:
        _close(canvas, weather, street, rng)
    for z, side, length in sorted(lots, reverse=True):
        _house(canvas, weather, street, rng, side, z, length)
    return trees


def _close(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> None:
    """Paint the buildings across the end of the street, and a low wall before them."""
    x = -60.0 + float(rng.uniform(0, 10))
    while x < 60:
        width = float(rng.uniform(14, 30))
        _front(canvas, weather, rng, x, x + width, street.end, float(rng.uniform(6, 20)))
        x += width + float(rng.choice([0, 0, 2]))
    wall = Material(srgb(0.6, 0.57, 0.52), weather.celsius + 1, grain=0.1, mottle=0.4)
    z = street.end - 2
    canvas.paint(canvas.camera.project(np.array([(-200, 0, z), (200, 0, z), (200, 1.3, z), (-200, 1.3, z)])), wall, z)


def _front(
    canvas: Canvas,
    weather: Weather,
    rng: Generator,
    x0: float,
    x1: float,
    z: float,
    height: float,
    storey: float = 3.3,
    bay: float = 3.0,
) -> None:
    """Paint a facade that faces the camera, with rows of windows."""
    sunlight = weather.shade((0.0, 0.1, -1.0))
    tint = shaded(pick(rng, FACADE), sunlight * float(rng.uniform(0.8, 1.1)))
    warmth = weather.celsius + float(rng.uniform(0.5, 3.0)) + (2.5 * sunlight if weather.sun else 0)
    rows, columns = max(int((height - 1.2) / storey), 1), max(int((x1 - x0 - 0.8) / bay), 1)
    alight = rng.random(rows * columns) < (0.22 if weather.night else 0)
    wall = Material(tint, warmth, grain=0.06, mottle=0.35)
    outline = _upright(canvas, np.array([[x0, x1, 0, height], [x0 - 0.2, x1 + 0.2, height - 0.5, height]]), z)
    if not canvas.sees(outline[0]):
        return
    canvas.paint(outline[0], wall, z)
    canvas.paint(outline[1], wall._replace(colour=shaded(tint, 0.7)), z)
    pitch = (x1 - x0 - 0.8) / columns
    left, low = np.meshgrid(x0 + 0.4 + pitch * (np.arange(columns) + 0.22), 1.0 + storey * np.arange(rows))
    spans = np.stack([left, left + pitch * 0.56, low, low + storey * 0.5], axis=2).reshape(-1, 4)
    if z < 80:
        frames = _upright(canvas, spans + np.array((-0.12, 0.12, -0.12, 0.08)), z)
        canvas.paint(frames, wall._replace(colour=shaded(tint, 1.2)), z)
    _windows(canvas, weather, _upright(canvas, spans, z), alight, z, warmth)


def _upright(canvas: Canvas, spans: Points, z: float) -> Points:
    """Return the outlines (N, 4, 2) of rectangles (N, 4): left, right, bottom, top in a plane of constant Z."""
    corners = np.empty((len(spans), 4, 3))
    corners[..., 0], corners[..., 1], corners[..., 2] = spans[:, _ACROSS], spans[:, _UP], z
    return canvas.camera.project(corners)


def _along(canvas: Canvas, spans: Points, x: float) -> Points:
    """Return the outlines (N, 4, 2) of rectangles (N, 4): near, far, bottom, top in a plane of constant X."""
    corners = np.empty((len(spans), 4, 3))
    corners[..., 0], corners[..., 1], corners[..., 2] = x, spans[:, _UP], spans[:, _ACROSS]
    return canvas.camera.project(corners)


def _windows(
    canvas: Canvas, weather: Weather, panes: Points, alight: NDArray[np.bool_], depth: float, wall: float
) -> None:
    """Fill windows: panes mirror the cold sky in the infrared and its light in the visible."""
    if not alight.all():
        pane = (0.02, 0.02, 0.025) if weather.night else (0.075, 0.10, 0.13)
        canvas.paint(panes[~alight], Material(pane, wall - 2.5, grain=0.16, mottle=0.6), depth)
    warm, cool = panes[alight][::2], panes[alight][1::2]
    for lit, glow in ((warm, (0.17, 0.115, 0.05)), (cool, (0.085, 0.08, 0.06))):
        if len(lit):
            canvas.paint(lit, Material((0.3, 0.25, 0.15), wall + 1.0, glow, grain=0.2, mottle=0.6), depth)


def _house(
    canvas: Canvas, weather: Weather, street: Street, rng: Generator, side: int, z: float, length: float
) -> None:
    """Paint one building along the street: its end wall, then the facade bay by bay, far to near."""
    x = side * (street.kerb + float(rng.uniform(0, 1.5)))
    storeys = int(rng.integers(2, 8))
    height = 4.0 + _STOREY * (storeys - 1)
    tint = pick(rng, FACADE)
    end, front = weather.shade((0, 0.1, -1)), weather.shade((-side, 0.1, 0))
    warmth = weather.celsius + float(rng.uniform(0.3, 3.0)) + (3.0 * front if weather.sun else 0)
    shop, trade = rng.random() < 0.55, pick(rng, SIGN)
    neon = shaded(trade, 0.5) if weather.night and rng.random() < 0.6 else _DARK
    bays = max(int(length / 3.4), 1)
    alight = rng.random((bays, storeys)) < (0.25 if weather.night else 0)
    wall = Material(shaded(tint, front), warmth, grain=0.07, mottle=0.4)
    if weather.sun is not None:
        slope = -height / max(weather.sun[1], 0.25)
        drop = np.array([weather.sun[0] * slope, 0, weather.sun[2] * slope])
        base = np.array([(x, 0, max(z, 0.6)), (x, 0, z + length)])
        shadow = np.concatenate([base, base[::-1] + drop])
        shadow[:, 2] = np.maximum(shadow[:, 2], 0.6)
        canvas.cast_shadow(canvas.camera.project(shadow), 0.6)
    upper = 4.9 + _STOREY * np.arange(storeys - 1)
    if z > 1.0:
        left, right = min(x, x + side * 14), max(x, x + side * 14)
        gable = _upright(canvas, np.array([[left, right, 0, height]]), z)[0]
        if canvas.sees(gable):
            canvas.paint(gable, wall._replace(colour=shaded(tint, end)), z)
            spans = np.array([(left + a, left + a + 1.3, b, b + 1.5) for a in (2.0, 6.0, 10.0) for b in upper])
            _windows(canvas, weather, _upright(canvas, spans, z), np.zeros(len(spans), dtype=bool), z, warmth)
    # Shares of a bay, then metres: wall, parapet, sign, panes, their frames, ledges, lettering.
    panes = [(0.25, 0.75, low, low + 1.6) for low in upper.tolist()]
    frames = [(0.21, 0.79, low - 0.15, low + 1.7) for low in upper.tolist()]
    ledges = [(0.0, 1.0, low - 1.3, low - 1.1) for low in upper.tolist()]
    entrance = (0.08, 0.92, 0.6, 2.7) if shop else (0.25, 0.75, 1.1, 2.6)
    letters = [(a, a + 0.05, 3.05, 3.45) for a in np.arange(0.15, 0.85, 0.09)] if shop else []
    outer = [(0.0, 1.0, 0.0, height), (0.0, 1.0, height - 0.45, height), (0.02, 0.98, 2.9, 3.6)]
    shares = np.array([*outer, *panes, entrance, *frames, *ledges, *letters])
    middle = len(outer) + storeys
    near = np.maximum(z + np.arange(bays) * length / bays, 1.0)
    far = z + (np.arange(bays) + 1) * length / bays
    spans = np.repeat(shares[None], bays, axis=0)
    spans[..., :2] = near[:, None, None] + shares[:, :2] * (far - near)[:, None, None]
    outlines = _along(canvas, spans.reshape(-1, 4), x).reshape(bays, len(shares), 4, 2)
    trim = wall._replace(colour=shaded(tint, front * 1.25), celsius=warmth + 0.4)
    parapet = wall._replace(colour=shaded(tint, front * 0.7))
    board = Material(shaded(trade, front), warmth - 0.2, neon)
    for bay in np.flatnonzero(canvas.sees(outlines[:, 0]) & (far >= 1.5))[::-1]:
        outline, depth = outlines[bay], float(near[bay] + far[bay]) / 2
        canvas.paint(outline[0], wall, depth)
        if depth < 60 and storeys > 1:
            canvas.paint(outline[middle : middle + 2 * storeys - 2], trim, depth)
        _windows(canvas, weather, outline[len(outer) : middle], alight[bay], depth, warmth)
        if shop:
            canvas.paint(outline[2], board, depth)
            if depth < 40:
                marks = outline[middle + 2 * storeys - 2 :]
                canvas.paint(marks, Material((0.7, 0.7, 0.68), warmth - 0.2, shaded(neon, 1.8)), depth)
        canvas.paint(outline[1], parapet, depth)
