"""The plan of a street, its ground and the sky above."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from text2pixels_simulator.canvas import ASPHALT, CLOUD, GROUND, Canvas, Colour, Material
from text2pixels_simulator.colours import srgb
from text2pixels_simulator.weather import Weather

CLEAR_SKY = 80.0  # metres of air in front of the sky, except in fog; the sky's colours contain its haze already
FAR = 160.0  # metres; where the street fades into the skyline
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
        end: Z at which a building closes the street; beyond ``FAR`` there is none.
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
    bands = 40
    depth = 1000.0 if weather.condition == "fog" else CLEAR_SKY
    edges = np.linspace(0, camera.horizon + 1, bands + 1) + camera.margin
    edges[0] = -2
    clear = 1 - weather.overcast
    for i in range(bands):
        low = (i + 0.5) / bands  # 0 at the top of the frame, 1 at the horizon
        if weather.night:
            glow = 0.004 + 0.010 * low**3
            emission = (glow * (0.8 + 0.4 * low), glow * 0.9, glow * (1.4 - 0.3 * low))
        else:
            haze = min(low**2 * 0.6 + 0.6 * weather.overcast, 1.0)
            emission = (0.16 + 0.70 * haze, 0.34 + 0.54 * haze, 0.78 + 0.14 * haze)
        celsius = weather.celsius - (8 + 22 * clear) * (1.05 - low) - 3.0
        box = np.array(
            [(-2, edges[i]), (canvas.w + 2, edges[i]), (canvas.w + 2, edges[i + 1] + 1), (-2, edges[i + 1] + 1)]
        )
        material = Material(
            (0.0, 0.0, 0.0), celsius, emission, grain=0.25 * weather.overcast + 0.12, mottle=4.0, noise=CLOUD
        )
        canvas.paint(box, material, depth)


def paint_ground(canvas: Canvas, weather: Weather, street: Street, rng: Generator) -> None:
    """Paint lawn or plaza, pavements, carriageways and their markings."""
    t = weather.celsius
    sunny = 3.5 if weather.sun is not None else 0.0
    soil = srgb(0.30, 0.34, 0.18) if street.grass else srgb(0.46, 0.44, 0.41)
    lawn = Material(soil, t - 0.5 + sunny * 0.3, grain=0.35, mottle=0.8, noise=ASPHALT)
    paving = Material(srgb(0.55, 0.53, 0.50), t + 1.2 + sunny * 0.8, grain=0.14, mottle=0.4, noise=ASPHALT)
    asphalt = Material(srgb(0.34, 0.34, 0.36), t + 2.2 + sunny, grain=0.13, mottle=0.5, noise=ASPHALT)
    kerb = Material(srgb(0.68, 0.67, 0.64), t + 0.8 + sunny * 0.8, grain=0.1, mottle=0.3, noise=ASPHALT)
    white = Material(_MARKING, asphalt.celsius - 0.3, grain=0.2, mottle=0.5, noise=ASPHALT)
    yellow = Material((0.62, 0.42, 0.08), asphalt.celsius - 0.3, grain=0.2, mottle=0.5, noise=ASPHALT)
    outer = street.road + street.pavement
    _lane(canvas, lawn, -400, 400, 0.5, 2000)
    _lane(canvas, paving, -outer, outer, 0.5, FAR)
    joint = paving._replace(colour=srgb(0.42, 0.40, 0.38))
    for x in np.arange(-outer, outer, 1.2):  # joints between slabs
        if abs(x) > street.road + 0.3:
            _lane(canvas, joint, x, x + 0.05, 1, 40)
    edge = street.road + 0.25
    rows = np.arange(2, 24, 1.5)
    _strips(canvas, joint, [(side * edge, side * outer, z, z + 0.06) for side in (-1, 1) for z in rows])
    _lane(canvas, kerb, -street.road - 0.25, street.road + 0.25, 0.5, FAR)
    _lane(canvas, asphalt, -street.road, street.road, 0.5, FAR)
    if street.crossing is not None:
        near, far = street.crossing - CROSSING_WIDTH, street.crossing + CROSSING_WIDTH
        _strips(canvas, asphalt, [(-200, 200, near, far)])
        bars = np.arange(-street.road + 0.4, street.road - 0.4, 1.0)
        for z, striped in ((near - 3.4, rng.random() < 0.6), (far + 0.8, rng.random() < 0.4)):
            if striped:
                _strips(canvas, white, [(x, x + 0.5, z, z + 2.6) for x in bars])
        axis = street.crossing
        _strips(canvas, white, [(x, x + 2.0, axis - 0.06, axis + 0.08) for x in np.arange(-60, 60, 5.0)])
    gap = (1e9, 1e9) if street.crossing is None else (street.crossing - 8, street.crossing + 6)
    for _ in range(int(rng.integers(0, 5))):  # manholes and repairs: the infrared hardly sees them
        x, z = rng.uniform(-street.road + 1, street.road - 1), rng.uniform(4, 22)
        disc = np.stack([x + 0.35 * np.cos(_RING), np.zeros(12), z + 0.35 * np.sin(_RING)], axis=1)
        canvas.paint(canvas.camera.project(disc), asphalt._replace(colour=srgb(0.2, 0.19, 0.18)), GROUND)
        repair = asphalt._replace(colour=srgb(0.27, 0.27, 0.29), celsius=asphalt.celsius + 0.2)
        x, z = rng.uniform(-street.road, street.road - 1), rng.uniform(5, 30)
        _strips(canvas, repair, [(x, x + rng.uniform(0.6, 2), z, z + rng.uniform(1, 6))])
    spans = _spans(0.5, 110, gap)
    if rng.random() < 0.4:
        _strips(canvas, yellow, [(x, x + 0.11, a, b) for x in (-0.2, 0.09) for a, b in spans])
    else:
        dashes = [z for z in np.arange(1.5, 90, 5.0) if not gap[0] < z < gap[1]]
        _strips(canvas, white, [(-0.07, 0.07, z, z + 2.2) for z in dashes])
    sides = (-street.road + 0.3, street.road - 0.42)
    _strips(canvas, white, [(x, x + 0.12, a, b) for x in sides for a, b in spans])


def _spans(near: float, far: float, gap: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the parts of near..far outside the gap, in pieces short enough to follow the bend of the street."""
    cuts = np.concatenate([np.arange(near, 20, 4.0), np.arange(20, far, 10.0), [far]])
    return [(a, b) for a, b in pairwise(cuts.tolist()) if not gap[0] < (a + b) / 2 < gap[1]]


def _strips(canvas: Canvas, material: Material, spans: Sequence[tuple[float, float, float, float]]) -> None:
    """Paint rectangles on the ground: left, right, near, far."""
    edges = np.array(spans, dtype=np.float64)
    corners = np.zeros((len(spans), 4, 3))
    corners[..., 0], corners[..., 2] = edges[:, [0, 1, 1, 0]], edges[:, [2, 2, 3, 3]]
    canvas.paint(canvas.camera.project(corners), material, GROUND)


def _lane(canvas: Canvas, material: Material, x0: float, x1: float, z0: float, z1: float) -> None:
    """Paint a lane along the street, its edges following the bend."""
    z = np.geomspace(z0, z1, 24)
    edges = np.zeros((48, 3))
    edges[:24, 0], edges[24:, 0], edges[:24, 2], edges[24:, 2] = x0, x1, z, z[::-1]
    canvas.paint(canvas.camera.project(edges), material, GROUND)
