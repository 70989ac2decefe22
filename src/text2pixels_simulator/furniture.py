"""Street furniture: trees, lamps, signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from text2pixels_simulator.canvas import GROUND, SKY_AIR, Canvas, Colour, Material, Points
from text2pixels_simulator.colours import LEAVES, SIGN, pick, shaded, srgb
from text2pixels_simulator.weather import Weather

_RING = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_LEAFY = np.linspace(0, 2 * np.pi, 20, endpoint=False)


@dataclass(frozen=True)
class Tree:
    """A tree at (x, z) metres; the seed gives its looks."""

    x: float
    z: float
    seed: int


@dataclass(frozen=True)
class Sign:
    """A road sign at (x, z) metres; the seed gives its looks."""

    x: float
    z: float
    seed: int


@dataclass(frozen=True)
class Lamp:
    """A street lamp: its foot at (x, z) metres, its lantern ``reach`` to the right at ``height``."""

    x: float
    z: float
    height: float
    reach: float
    shape: str  # cobra, globe or lantern
    colour: Colour  # of its light
    power: float  # irradiance at one metre, 1 = daylight; 0 when off

    @property
    def bulb(self) -> tuple[float, float, float]:
        """Return where the light comes from, metres."""
        return (self.x + self.reach, self.height, self.z)


def paint_tree(canvas: Canvas, weather: Weather, tree: Tree) -> None:
    """Paint a trunk and a crown of leafy clumps, the lit ones last."""
    rng, x, z = np.random.default_rng(tree.seed), tree.x, tree.z
    height = float(rng.uniform(4.5, 8.5))
    crown, radius = height * 0.66, height * 0.34
    if rng.random() < 0.12:  # a bush
        height, crown, radius = 1.6, 0.7, 0.9
    green = pick(rng, LEAVES)
    scale = canvas.camera.focal / z
    foot = canvas.camera.project(np.array([[x, 0.0, z]]))[0]
    if weather.sun is not None:
        shadow = np.stack([x + radius * np.cos(_RING), np.zeros(16), z + radius * np.sin(_RING)], axis=1)
        shadow -= np.array([weather.sun[0], 0, weather.sun[2]]) / max(weather.sun[1], 0.3) * crown
        if shadow[:, 2].min() > 1:
            canvas.cast_shadow(canvas.camera.project(shadow), 0.55)
    reach = np.array([(-1.5 * radius, 0), (1.5 * radius, crown + 1.6 * radius)])
    if not canvas.sees(foot + reach * (scale, -scale)):
        return
    tint = shaded((0.06, 0.045, 0.035), weather.shade((0.5, 0, -0.8)))
    bark = Material(tint, weather.celsius + 1.5, grain=0.3, mottle=0.6)
    lean, t = float(rng.normal(0, 0.2)), 0.021 * height
    if height > 2:
        wood = [np.array([(-t, 0), (t, 0), (lean + t * 0.6, crown), (lean - t * 0.6, crown)])]
        for _ in range(3):
            tip, top = lean + rng.uniform(-0.8, 0.8) * radius, crown + rng.uniform(-0.1, 0.6) * radius
            start = crown * rng.uniform(0.55, 0.8)
            wood.append(np.array([(-t * 0.4, start), (t * 0.4, start), (tip + 0.03, top), (tip - 0.03, top)]))
        for piece in wood:
            canvas.paint(foot + piece * (scale, -scale), bark, z)
    # Fewer clumps where the crown is small in the frame.
    clumps = int(np.clip(radius * scale / canvas.camera.unit * 0.45, 5, 24))
    angle, away = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps))
    right, up = 0.75 * away * np.cos(angle), 0.7 * away * np.sin(angle)
    order = np.argsort(up + 0.5 * rng.random(clumps))
    right, up = right[order], up[order]
    size = rng.uniform(0.26, 0.46, (clumps, 1)) * rng.uniform(0.68, 1.15, (clumps, len(_LEAFY)))
    outlines = np.stack(
        [
            foot[0] + scale * (lean + radius * (right[:, None] + size * np.cos(_LEAFY))),
            foot[1] - scale * (crown + radius * (up[:, None] + 0.85 * size * np.sin(_LEAFY))),
        ],
        axis=2,
    )
    brightness, warmth = rng.uniform(0.8, 1.15, clumps), rng.normal(0, 0.4, clumps)
    clumped = zip(outlines, right.tolist(), up.tolist(), brightness.tolist(), warmth.tolist(), strict=True)
    for outline, across, above, bright, warm in clumped:
        light = weather.shade((0.7 * across, 0.6 * above, -0.6)) * (0.62 + 0.45 * above)
        leaf = shaded(green, max(light * bright, 0.1))
        celsius = weather.celsius - 0.5 + 0.6 * above + warm
        canvas.paint(outline, Material(leaf, celsius, grain=0.6, mottle=1.0), z)


def paint_lamp(canvas: Canvas, weather: Weather, lamp: Lamp, owner: int) -> None:
    """Paint pole, then lantern; only the lantern belongs to ``owner``, as in M3FD.

    Bare metal mirrors the temperatures around it and LEDs are cool: the infrared shows the pole
    faintly and the lantern not at all.
    """
    scale = canvas.camera.focal / lamp.z
    foot = canvas.camera.project(np.array([[lamp.x, 0.0, lamp.z]]))[0]

    def place(points: Sequence[tuple[float, float]]) -> Points:
        outline: Points = foot + np.array(points) * (scale, -scale)
        return outline

    metal = shaded((0.11, 0.12, 0.12), weather.shade((0.3, 0, -0.9)))
    reach, height = lamp.reach, lamp.height
    cuts = np.linspace(0, height, 9).tolist()
    for low, high in pairwise(cuts):
        part = place([(-0.06, low), (0.06, low), (0.05, high), (-0.05, high)])
        canvas.paint(part, _mirroring(canvas, weather, part, lamp.z, 0.6)._replace(colour=metal), lamp.z)
    if lamp.shape == "cobra":
        arm = place([(0, height - 0.35), (reach, height + 0.02), (reach, height + 0.1), (0, height - 0.2)])
        canvas.paint(arm, Material(metal, 0.0), lamp.z, infrared=False)
        side = 1 if reach > 0 else -1
        case = [(-0.4, -0.02), (0.45, 0.06), (0.35, 0.24), (-0.4, 0.16)]
        glass = [(-0.38, -0.02), (0.43, 0.06), (0.28, -0.16), (-0.22, -0.2)]
        parts = [([(reach + side * x, height + y) for x, y in outline], outline is glass) for outline in (case, glass)]
    elif lamp.shape == "globe":
        globe = [(0.3 * float(np.cos(a)), height + 0.26 + 0.3 * float(np.sin(a))) for a in _RING]
        socket = [(-0.18, height - 0.1), (0.18, height - 0.1), (0.12, height + 0.04), (-0.12, height + 0.04)]
        parts = [(globe, True), (socket, False)]
    else:
        body = [(-0.2, height), (0.2, height), (0.32, height + 0.55), (-0.32, height + 0.55)]
        cap = [(-0.42, height + 0.55), (0.42, height + 0.55), (0.1, height + 0.8), (-0.1, height + 0.8)]
        parts = [(body, True), (cap, False)]
    canvas.begin(owner)
    for outline, shines in parts:
        glow = shaded(lamp.colour, 9.0) if shines and lamp.power else (0.0, 0.0, 0.0)
        colour = shaded((0.75, 0.76, 0.74), weather.shade((0, -0.1, -1))) if shines else metal
        canvas.paint(place(outline), Material(colour, 0.0, glow), lamp.z, infrared=False)


def _mirroring(canvas: Canvas, weather: Weather, outline: Points, z: float, excess: float) -> Material:
    """Return a metal at depth ``z`` that looks ``excess`` kelvin warmer than what is behind the outline."""
    shown, depth = canvas.behind(outline)
    between = 0.0 if depth == GROUND else min(depth, SKY_AIR) - z
    through = float(np.exp(-weather.extinction_infrared * max(between, 0.0)))
    celsius = weather.celsius + (shown.celsius - weather.celsius) * through + excess
    return Material((0.0, 0.0, 0.0), celsius, mottle=shown.mottle, noise=shown.noise)


def paint_sign(canvas: Canvas, weather: Weather, sign: Sign) -> None:
    """Paint a road sign: colour and lettering that only the visible camera sees."""
    rng, x, z = np.random.default_rng(sign.seed), sign.x, sign.z
    scale = canvas.camera.focal / z
    foot = canvas.camera.project(np.array([[x, 0.0, z]]))[0]
    factor = weather.shade((0.2, 0.1, -1))
    around: Points = foot + np.array([(-0.9, 2.0), (0.9, 2.9)]) * (scale, -scale)
    metal = _mirroring(canvas, weather, around, z, 0.8)

    def fill(points: Points, colour: Colour) -> None:
        canvas.paint(foot + points * (scale, -scale), metal._replace(colour=shaded(colour, factor)), z)

    fill(np.array([(-0.04, 0), (0.04, 0), (0.04, 2.2), (-0.04, 2.2)]), (0.3, 0.3, 0.3))
    ring = np.stack([np.cos(_RING), np.sin(_RING)], axis=1)
    shape = rng.integers(3)
    if shape == 0:  # prohibition
        fill(ring * 0.38 + (0, 2.4), srgb(0.8, 0.08, 0.08))
        fill(ring * 0.28 + (0, 2.4), (0.8, 0.8, 0.8))
        fill(np.array([(-0.17, 2.34), (0.17, 2.34), (0.17, 2.46), (-0.17, 2.46)]), (0.02, 0.02, 0.02))
    elif shape == 1:  # direction
        colour = pick(rng, SIGN[1:4])
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
