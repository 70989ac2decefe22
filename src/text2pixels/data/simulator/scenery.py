"""What stands still: sky, ground, buildings, trees, lamps, signs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from text2pixels.data.simulator.canvas import ASPHALT, CLOUD, GRAIN, GROUND, Canvas, Colour, Material, Points
from text2pixels.data.simulator.colours import FACADE, LEAVES, SIGN, srgb
from text2pixels.data.simulator.weather import Weather

_FAR = 160.0  # metres; where the street fades into the skyline
_RING = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_MARKING: Colour = (0.62, 0.62, 0.58)


@dataclass(frozen=True)
class Street:
    """The plan: a road along Z, pavements, facades; perhaps a side road across.

    Attributes:
        road: half width of the carriageway, metres.
        pavement: width of each pavement.
        setback: from the pavement to the facades.
        crossing: Z of the side road's axis, None without one.
        end: Z at which a building closes the street; beyond ``_FAR`` there is none.
        built: share of the frontage with buildings; the rest is trees.
        grass: the strip between pavement and facade is grass.
    """

    road: float
    pavement: float
    setback: float
    crossing: float | None
    end: float
    built: float
    grass: bool

    @property
    def kerb(self) -> float:
        """Return the distance of the facades from the axis."""
        return self.road + self.pavement + self.setback


CROSSING_WIDTH = 4.0  # half width of the side road, metres


def draw_street(rng: Generator) -> Street:
    """Draw the plan of a street."""
    crossing = float(rng.uniform(16, 34)) if rng.random() < 0.6 else None
    closed = rng.random() < 0.35
    return Street(
        road=float(rng.uniform(3.6, 6.5)),
        pavement=float(rng.uniform(2.2, 4.0)),
        setback=float(rng.uniform(0.5, 7.0)),
        crossing=crossing,
        end=float((crossing or 30) + rng.uniform(10, 30)) if closed else 1000.0,
        built=float(rng.choice([0.35, 0.7, 0.95])),
        grass=bool(rng.random() < 0.6),
    )


def paint_sky(canvas: Canvas, weather: Weather) -> None:
    """Paint bands from the zenith to the horizon; infrared sees a clear sky far below the air's temperature."""
    camera = canvas.camera
    bottom = camera.horizon + camera.margin + 1
    bands = 40
    edges = np.linspace(-1.0, bottom, bands + 1)
    clear = 1 - weather.overcast
    for i in range(bands):
        low = (i + 0.5) / bands  # 0 at the top of the canvas, 1 at the horizon
        if weather.night:
            colour, glow = (0.0, 0.0, 0.0), 0.004 + 0.010 * low**3
            emission = (glow * (0.8 + 0.4 * low), glow * 0.9, glow * (1.4 - 0.3 * low))
        else:
            haze = low**1.5 * 0.75 + 0.25 * weather.overcast
            emission = (0.22 + 0.68 * haze, 0.42 + 0.50 * haze, 0.80 + 0.16 * haze)
            colour = (0.0, 0.0, 0.0)
        celsius = weather.celsius - (8 + 22 * clear) * (1.05 - low) - 3.0
        box = np.array(
            [(-2, edges[i]), (canvas.w + 2, edges[i]), (canvas.w + 2, edges[i + 1] + 1), (-2, edges[i + 1] + 1)]
        )
        material = Material(colour, celsius, emission, grain=0.5 * weather.overcast + 0.15, mottle=4.0, noise=CLOUD)
        canvas.paint(box, material, 4000.0)


def paint_ground(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> None:
    """Paint lawn or plaza, pavements, carriageways and their markings."""
    t = weather.celsius
    sunny = 5.0 if weather.sun is not None else 0.0
    soil = srgb(0.30, 0.34, 0.18) if street.grass else srgb(0.46, 0.44, 0.41)
    lawn = Material(soil, t - 0.5 + sunny * 0.3, grain=0.35, mottle=0.8, noise=ASPHALT)
    paving = Material(srgb(0.55, 0.53, 0.50), t + 1.2 + sunny * 0.8, grain=0.14, mottle=0.4, noise=ASPHALT)
    asphalt = Material(srgb(0.34, 0.34, 0.36), t + 2.2 + sunny, grain=0.16, mottle=0.5, noise=ASPHALT)
    kerb = Material(srgb(0.68, 0.67, 0.64), t + 0.8 + sunny * 0.8, grain=0.1, mottle=0.3, noise=ASPHALT)
    white = Material(_MARKING, asphalt.celsius - 0.3, grain=0.2, mottle=0.5, noise=ASPHALT)
    yellow = Material((0.62, 0.42, 0.08), asphalt.celsius - 0.3, grain=0.2, mottle=0.5, noise=ASPHALT)
    outer = street.road + street.pavement
    _lane(canvas, lawn, -400, 400, 0.5, 2000)
    _lane(canvas, paving, -outer, outer, 0.5, _FAR)
    for x in np.arange(-outer, outer, 1.2):  # joints between slabs
        if abs(x) > street.road + 0.3:
            _lane(canvas, paving._replace(colour=srgb(0.42, 0.40, 0.38)), x, x + 0.05, 1, 40)
    joints = [
        _strip(canvas, side * (street.road + 0.25), side * outer, z, z + 0.06)
        for side in (-1, 1)
        for z in np.arange(2, 24, 1.5)
    ]
    canvas.paint(joints, paving._replace(colour=srgb(0.42, 0.40, 0.38)), GROUND)
    _lane(canvas, kerb, -street.road - 0.25, street.road + 0.25, 0.5, _FAR)
    _lane(canvas, asphalt, -street.road, street.road, 0.5, _FAR)
    if street.crossing is not None:
        near, far = street.crossing - CROSSING_WIDTH, street.crossing + CROSSING_WIDTH
        _across(canvas, asphalt, near, far)
        for z in (near, far):
            if rng.random() < 0.5:
                stripes = np.arange(-street.road + 0.4, street.road - 0.4, 1.0)
                shift = -3.4 if z == near else 0.8
                canvas.paint([_strip(canvas, x, x + 0.5, z + shift, z + shift + 2.6) for x in stripes], white, GROUND)
        dashes = [
            _strip(canvas, x, x + 2.0, street.crossing - 0.06, street.crossing + 0.08) for x in np.arange(-60, 60, 5.0)
        ]
        canvas.paint([d for d in dashes], white, GROUND)
    middle = yellow if rng.random() < 0.4 else white
    gap = (1e9, 1e9) if street.crossing is None else (street.crossing - 8, street.crossing + 6)
    dashes = [_strip(canvas, -0.07, 0.07, z, z + 2.2) for z in np.arange(1.5, 90, 5.0) if not gap[0] < z < gap[1]]
    if middle is yellow:
        dashes = [_strip(canvas, x, x + 0.11, a, b) for x in (-0.2, 0.09) for a, b in _spans(0.5, 110, gap)]
    canvas.paint(dashes, middle, GROUND)
    edges = [
        _strip(canvas, x, x + 0.12, a, b)
        for x in (-street.road + 0.3, street.road - 0.42)
        for a, b in _spans(0.5, 110, gap)
    ]
    canvas.paint(edges, white, GROUND)
    for _ in range(int(rng.integers(0, 4))):  # repaired asphalt and manholes: texture only the visible sees
        x, z = rng.uniform(-street.road + 1, street.road - 1), rng.uniform(4, 22)
        disc = np.stack([x + 0.35 * np.cos(_RING), np.zeros(12), z + 0.35 * np.sin(_RING)], axis=1)
        canvas.paint(canvas.camera.project(disc), asphalt._replace(colour=srgb(0.2, 0.19, 0.18)), GROUND)


def _spans(near: float, far: float, gap: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the parts of near..far outside the gap, cut short so that bends stay round."""
    cuts = np.concatenate([np.arange(near, 20, 4.0), np.arange(20, far, 10.0), [far]])
    return [(a, b) for a, b in zip(cuts[:-1], cuts[1:], strict=True) if not gap[0] < (a + b) / 2 < gap[1]]


def _strip(canvas: Canvas, x0: float, x1: float, z0: float, z1: float) -> Points:
    return canvas.camera.project(np.array([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)], dtype=np.float64))


def _lane(canvas: Canvas, material: Material, x0: float, x1: float, z0: float, z1: float) -> None:
    """Paint a lane along the street, its edges following the bend."""
    z = np.geomspace(z0, z1, 24)
    ground = np.zeros_like(z)
    left, right = np.stack([z * 0 + x0, ground, z], axis=1), np.stack([z * 0 + x1, ground, z], axis=1)
    canvas.paint(canvas.camera.project(np.concatenate([left, right[::-1]])), material, GROUND)


def _across(canvas: Canvas, material: Material, z0: float, z1: float) -> None:
    canvas.paint(_strip(canvas, -200, 200, z0, z1), material, GROUND)


def paint_skyline(canvas: Canvas, weather: Weather, rng: Generator) -> None:
    """Paint towers and a line of trees far off."""
    x = rng.uniform(-190, -150)
    while x < 190:
        width, height = rng.uniform(12, 34), rng.uniform(8, 70) if rng.random() < 0.6 else rng.uniform(6, 14)
        depth = rng.uniform(230, 330)
        if rng.random() < 0.75:
            _block(canvas, weather, rng, x, x + width, depth, height, storey=4.5, bay=5.0)
        x += width * rng.uniform(0.7, 1.3)
    green = srgb(*LEAVES[rng.integers(len(LEAVES))])
    factor = weather.shade((0, 0.6, -0.8)) * 0.6
    tops = np.stack(
        [np.linspace(-220, 220, 120), 3 + 4 * rng.random(120) + 2 * rng.random(120), np.full(120, 200.0)], axis=1
    )
    outline = canvas.camera.project(np.concatenate([tops, [(220, -2, 200), (-220, -2, 200)]]))
    canvas.paint(outline, Material(_lit(green, factor), weather.celsius, grain=0.5, mottle=0.6), 200.0)


def _block(
    canvas: Canvas, weather: Weather, rng: Generator, x0: float, x1: float, z: float, height: float,
    storey: float = 3.3, bay: float = 3.0,
) -> None:  # fmt: skip
    """Paint a facade that faces the camera, with rows of windows."""
    factor = weather.shade((0.0, 0.1, -1.0))
    tint = _lit(srgb(*FACADE[rng.integers(len(FACADE))]), factor * float(rng.uniform(0.8, 1.1)))
    warmth = weather.celsius + rng.uniform(0.5, 3.0) + (2.5 * factor if weather.sun else 0)
    wall = Material(tint, warmth, grain=0.06, mottle=0.35)

    def quad(a: float, b: float, low: float, high: float) -> Points:
        return canvas.camera.project(np.array([(a, low, z), (b, low, z), (b, high, z), (a, high, z)]))

    canvas.paint(quad(x0, x1, 0, height), wall, z)
    canvas.paint(quad(x0 - 0.2, x1 + 0.2, height - 0.5, height), wall._replace(colour=_lit(tint, 0.7)), z)
    columns = max(int((x1 - x0 - 0.8) / bay), 1)
    pitch = (x1 - x0 - 0.8) / columns
    dark, lit = [], []
    for row in range(max(int((height - 1.2) / storey), 1)):
        for column in range(columns):
            left, low = x0 + 0.4 + pitch * (column + 0.22), 1.0 + storey * row
            window = quad(left, left + pitch * 0.56, low, low + storey * 0.5)
            (lit if weather.night and rng.random() < 0.22 else dark).append(window)
    _windows(canvas, weather, dark, lit, z, warmth)


def _windows(
    canvas: Canvas, weather: Weather, dark: Sequence[Points], lit: Sequence[Points], depth: float, wall: float
) -> None:
    """Fill windows: panes reflect the cold sky in the infrared and its light in the visible."""
    if dark:
        pane = (0.075, 0.10, 0.13) if not weather.night else (0.02, 0.02, 0.025)
        canvas.paint(dark, Material(pane, wall - 2.5, grain=0.25, mottle=0.6), depth)
    if lit:
        canvas.paint(lit, Material((0.3, 0.25, 0.15), wall + 1.0, (0.20, 0.145, 0.07), grain=0.3, mottle=0.6), depth)


def paint_frontage(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> list[tuple[float, float]]:
    """Paint the buildings on both sides, far to near; return places for trees, (x, z)."""
    trees: list[tuple[float, float]] = []
    lots: list[tuple[float, int, float]] = []
    for side in (-1, 1):
        z = float(rng.uniform(-4, 4))
        while z < min(_FAR, street.end):
            length = float(rng.uniform(9, 24))
            crossed = street.crossing is not None and z - 7 < street.crossing < z + length + 7
            if crossed:
                assert street.crossing is not None
                z = street.crossing + 7.5
                continue
            if rng.random() < street.built:
                lots.append((z, side, length - rng.choice([0.0, 0.0, 3.0])))
            else:
                trees += [(side * (street.kerb + rng.uniform(0, 5)), z + k) for k in np.arange(2, length, 5.5)]
            z += length
    if street.end < _FAR:
        _close(canvas, weather, street, rng)
    for z, side, length in sorted(lots, reverse=True):
        _house(canvas, weather, street, rng, side, z, length)
    return trees


def _close(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> None:
    """Paint the building across the end of the street."""
    x = -60.0 + float(rng.uniform(0, 10))
    while x < 60:
        width = float(rng.uniform(14, 30))
        _block(canvas, weather, rng, x, x + width, street.end, float(rng.uniform(6, 20)))
        x += width + float(rng.choice([0, 0, 2]))
    wall = Material(srgb(0.6, 0.57, 0.52), weather.celsius + 1, grain=0.1, mottle=0.4)
    z = street.end - 2
    canvas.paint(canvas.camera.project(np.array([(-200, 0, z), (200, 0, z), (200, 1.3, z), (-200, 1.3, z)])), wall, z)


def _house(
    canvas: Canvas, weather: Weather, street: Street, rng: Generator, side: int, z: float, length: float
) -> None:
    """Paint one building along the street: its end wall, then the facade bay by bay, far to near."""
    x = side * (street.kerb + float(rng.uniform(0, 1.5)))
    storeys = int(rng.integers(2, 8))
    height = 4.0 + 3.2 * (storeys - 1)
    tint = srgb(*FACADE[rng.integers(len(FACADE))])
    warmth = weather.celsius + float(rng.uniform(0.3, 3.0))
    end, front = weather.shade((0, 0.1, -1)), weather.shade((-side, 0.1, 0))
    if weather.sun is not None:
        warmth += 3.0 * front
    wall = Material(_lit(tint, front), warmth, grain=0.07, mottle=0.4)
    back = x + side * 14
    if z > 1.0:
        gable = np.array([(x, 0, z), (back, 0, z), (back, height, z), (x, height, z)], dtype=np.float64)
        canvas.paint(canvas.camera.project(gable), wall._replace(colour=_lit(tint, end)), z)
        panes = [
            canvas.camera.project(np.array([(a, b, z), (a + 1.3, b, z), (a + 1.3, b + 1.5, z), (a, b + 1.5, z)]))
            for a in min(x, back) + np.array([2.0, 6.0, 10.0])
            for b in 4.9 + 3.2 * np.arange(storeys - 1)
        ]
        if panes:
            _windows(canvas, weather, panes, [], z, warmth)
    shop = rng.random() < 0.55
    trade = srgb(*SIGN[rng.integers(len(SIGN))])
    bays = max(int(length / 3.4), 1)
    width = length / bays
    for bay in range(bays - 1, -1, -1):
        near, far = z + bay * width, z + (bay + 1) * width
        if far < 1.5:
            continue
        near = max(near, 1.0)
        depth = (near + far) / 2

        def quad(a: float, b: float, low: float, high: float, near: float = near, far: float = far) -> Points:
            """Project a rectangle of the facade; a and b are shares of the bay."""
            za, zb = near + a * (far - near), near + b * (far - near)
            return canvas.camera.project(np.array([(x, low, za), (x, low, zb), (x, high, zb), (x, high, za)]))

        canvas.paint(quad(0, 1, 0, height), wall, depth)
        dark = [quad(0.25, 0.75, 4.9 + 3.2 * k, 6.5 + 3.2 * k) for k in range(storeys - 1)]
        alight = [weather.night and bool(rng.random() < 0.25) for _ in dark]
        lit = [pane for pane, on in zip(dark, alight, strict=True) if on]
        dark = [pane for pane, on in zip(dark, alight, strict=True) if not on]
        if shop:
            open_late = weather.night and rng.random() < 0.35
            (lit if open_late else dark).append(quad(0.08, 0.92, 0.6, 2.7))
        elif bay == bays // 2:
            dark.append(quad(0.3, 0.62, 0.1, 2.4))
        else:
            dark.append(quad(0.25, 0.75, 1.1, 2.6))
        _windows(canvas, weather, dark, lit, depth, warmth)
        if depth < 60:
            ledge = wall._replace(colour=_lit(tint, front * 1.25), celsius=warmth + 0.4)
            canvas.paint(
                [quad(0, 1, 3.6 + 3.2 * k, 3.8 + 3.2 * k) for k in range(1, storeys)] or quad(0, 1, 3.7, 3.8),
                ledge,
                depth,
            )
        if shop:
            glow = _lit(trade, 0.5) if weather.night and rng.random() < 0.6 else (0.0, 0.0, 0.0)
            canvas.paint(quad(0.02, 0.98, 2.9, 3.6), Material(_lit(trade, front), warmth - 0.2, glow), depth)
            if depth < 40:  # lettering
                marks = [quad(a, a + 0.05, 3.05, 3.45) for a in np.arange(0.15, 0.85, 0.09)]
                canvas.paint(marks, Material((0.7, 0.7, 0.68), warmth - 0.2, _lit(glow, 1.8)), depth)
        canvas.paint(quad(0, 1, height - 0.45, height), wall._replace(colour=_lit(tint, front * 0.7)), depth)


def paint_tree(canvas: Canvas, weather: Weather, rng: Generator, x: float, z: float) -> None:
    """Paint a trunk and a crown of leafy clumps, the lit ones last."""
    height = float(rng.uniform(4.5, 8.5))
    crown, radius = height * 0.66, height * 0.34
    if rng.random() < 0.12:  # a bush
        height, crown, radius = 1.6, 0.7, 0.9
    green = srgb(*LEAVES[rng.integers(len(LEAVES))])
    scale = canvas.camera.focal / z
    foot = canvas.camera.project(np.array([[x, 0.0, z]]))[0]
    bark = Material(
        _lit((0.06, 0.045, 0.035), weather.shade((0.5, 0, -0.8))), weather.celsius + 1.5, grain=0.3, mottle=0.6
    )
    lean = float(rng.normal(0, 0.2))
    t = 0.035 * height * 0.6
    trunk = np.array([(-t, 0), (t, 0), (lean + t * 0.6, crown), (lean - t * 0.6, crown)])
    if height > 2:
        canvas.paint(foot + trunk * (scale, -scale), bark, z)
        for _ in range(3):
            end = (lean + rng.uniform(-0.8, 0.8) * radius, crown + rng.uniform(-0.1, 0.6) * radius)
            start = crown * rng.uniform(0.55, 0.8)
            branch = np.array([(-t * 0.4, start), (t * 0.4, start), (end[0] + 0.03, end[1]), (end[0] - 0.03, end[1])])
            canvas.paint(foot + branch * (scale, -scale), bark, z)
    clumps = 18
    angle, away = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps))
    centres = np.stack(
        [lean + 0.75 * radius * away * np.cos(angle), crown + 0.7 * radius * away * np.sin(angle)], axis=1
    )
    ring = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    for centre in centres[np.argsort(centres[:, 1] + 0.5 * radius * rng.random(clumps))]:
        size = radius * rng.uniform(0.28, 0.5) * rng.uniform(0.72, 1.12, 22)
        outline = centre + np.stack([size * np.cos(ring), size * 0.85 * np.sin(ring)], axis=1)
        up = (centre[1] - crown) / radius
        factor = weather.shade((centre[0] / radius * 0.7, 0.6 * up, -0.6)) * (0.65 + 0.35 * up) * rng.uniform(0.8, 1.15)
        leaf = Material(
            _lit(green, max(factor, 0.12)),
            weather.celsius - 0.5 + 0.6 * up + rng.normal(0, 0.4),
            grain=0.75,
            mottle=1.0,
            noise=GRAIN,
        )
        canvas.paint(foot + outline * (scale, -scale), leaf, z)
    if weather.sun is not None:
        shadow = np.stack([x + radius * np.cos(_RING), np.zeros(12), z + radius * np.sin(_RING)], axis=1)
        shadow -= np.array([weather.sun[0], 0, weather.sun[2]]) / max(weather.sun[1], 0.3) * crown
        if shadow[:, 2].min() > 1:
            canvas.cast_shadow(canvas.camera.project(shadow), 0.55)


@dataclass(frozen=True)
class Lamp:
    """A street lamp: its foot at (x, z) metres, its lantern ``reach`` to the right at ``height``."""

    x: float
    z: float
    height: float
    reach: float
    shape: str  # cobra, globe or twin
    colour: Colour  # of its light
    power: float  # irradiance at one metre, 1 = daylight; 0 when off

    @property
    def bulb(self) -> tuple[float, float, float]:
        """Return where the light comes from, metres."""
        return (self.x + self.reach, self.height, self.z)


def paint_lamp(canvas: Canvas, weather: Weather, lamp: Lamp, owner: int) -> None:
    """Paint pole, then lantern; only the lantern belongs to ``owner``, as in M3FD.

    Bare metal mirrors the thermal scene around it and LEDs are cool, so that the infrared hardly
    shows the pole and does not show the lantern: both take the temperature behind them.
    """
    scale = canvas.camera.focal / lamp.z
    foot = canvas.camera.project(np.array([[lamp.x, 0.0, lamp.z]]))[0]

    def place(points: Sequence[tuple[float, float]]) -> Points:
        return foot + np.array(points) * (scale, -scale)

    metal = _lit((0.11, 0.12, 0.12), weather.shade((0.3, 0, -0.9)))
    reach, height = lamp.reach, lamp.height
    pole = place([(-0.07, 0), (0.07, 0), (0.045, height), (-0.045, height)])
    celsius, mottle, noise = canvas.behind(pole)
    canvas.paint(pole, Material(metal, celsius + 0.8, mottle=mottle, noise=noise), lamp.z)
    if lamp.shape == "cobra":
        arm = place([(0, height - 0.35), (reach, height + 0.02), (reach, height + 0.1), (0, height - 0.2)])
        canvas.paint(arm, Material(metal, celsius + 0.3, mottle=mottle, noise=noise), lamp.z)
        side = np.sign(reach)
        case = [
            (reach - 0.4 * side, height - 0.02),
            (reach + 0.45 * side, height + 0.06),
            (reach + 0.35 * side, height + 0.24),
            (reach - 0.4 * side, height + 0.16),
        ]
        glass = [
            (reach - 0.38 * side, height - 0.02),
            (reach + 0.43 * side, height + 0.06),
            (reach + 0.28 * side, height - 0.16),
            (reach - 0.22 * side, height - 0.2),
        ]
        parts = [(case, False), (glass, True)]
    elif lamp.shape == "globe":
        globe = [(0.3 * np.cos(a), height + 0.26 + 0.3 * np.sin(a)) for a in _RING]
        parts = [
            (globe, True),
            ([(-0.18, height - 0.1), (0.18, height - 0.1), (0.12, height + 0.04), (-0.12, height + 0.04)], False),
        ]
    else:  # a lantern with a cap
        body = [(-0.2, height), (0.2, height), (0.32, height + 0.55), (-0.32, height + 0.55)]
        cap = [(-0.42, height + 0.55), (0.42, height + 0.55), (0.1, height + 0.8), (-0.1, height + 0.8)]
        parts = [(body, True), (cap, False)]
    canvas.begin(owner)
    lantern = [place(points) for points, _ in parts]
    celsius, mottle, noise = canvas.behind(np.concatenate(lantern))
    for outline, (_, shines) in zip(lantern, parts, strict=True):
        glow = _lit(lamp.colour, 9.0) if shines and lamp.power else (0.0, 0.0, 0.0)
        white = _lit((0.75, 0.76, 0.74), weather.shade((0, -0.1, -1))) if shines else metal
        canvas.paint(outline, Material(white, celsius, glow, mottle=mottle, noise=noise), lamp.z)


def paint_sign(canvas: Canvas, weather: Weather, rng: Generator, x: float, z: float) -> None:
    """Paint a road sign: colour and lettering that only the visible camera sees."""
    scale = canvas.camera.focal / z
    foot = canvas.camera.project(np.array([[x, 0.0, z]]))[0]
    factor = weather.shade((0.2, 0.1, -1))
    cold = weather.celsius + 0.5

    def fill(points: Points, colour: Colour) -> None:
        canvas.paint(foot + points * (scale, -scale), Material(_lit(colour, factor), cold), z)

    fill(np.array([(-0.04, 0), (0.04, 0), (0.04, 2.2), (-0.04, 2.2)]), (0.3, 0.3, 0.3))
    ring = np.stack([np.cos(_RING), np.sin(_RING)], axis=1)
    shape = rng.integers(3)
    if shape == 0:  # prohibition
        fill(ring * 0.38 + (0, 2.4), srgb(0.8, 0.08, 0.08))
        fill(ring * 0.28 + (0, 2.4), (0.8, 0.8, 0.8))
        fill(np.array([(-0.17, 2.34), (0.17, 2.34), (0.17, 2.46), (-0.17, 2.46)]), (0.02, 0.02, 0.02))
    elif shape == 1:  # direction
        colour = srgb(*SIGN[rng.integers(1, 4)])
        fill(np.array([(-0.9, 2.0), (0.9, 2.0), (0.9, 2.9), (-0.9, 2.9)]), (0.8, 0.8, 0.8))
        fill(np.array([(-0.84, 2.06), (0.84, 2.06), (0.84, 2.84), (-0.84, 2.84)]), colour)
        for row in (2.18, 2.52):
            for start in np.arange(-0.7, 0.6, 0.24):
                fill(
                    np.array([(start, row), (start + 0.14, row), (start + 0.14, row + 0.18), (start, row + 0.18)]),
                    (0.8, 0.8, 0.8),
                )
    else:  # warning
        fill(np.array([(-0.45, 2.05), (0.45, 2.05), (0.0, 2.85)]), srgb(0.8, 0.08, 0.08))
        fill(np.array([(-0.29, 2.14), (0.29, 2.14), (0.0, 2.66)]), srgb(0.95, 0.85, 0.3))


def _lit(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
