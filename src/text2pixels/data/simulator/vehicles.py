"""Vehicles: profiles extruded across their width, so that any yaw shows the right faces.

Coordinates of a vehicle: l forward from the rear bumper, s to the right, h up, in metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from text2pixels.data.simulator.canvas import Canvas, Colour, Material, Points
from text2pixels.data.simulator.colours import CARGO, LIVERY, PAINT, srgb
from text2pixels.data.simulator.weather import Weather

LENGTH = {"Car": 4.5, "Bus": 10.5, "Truck": 7.4, "Motorcycle": 2.0}
WIDTH = {"Car": 1.8, "Bus": 2.5, "Truck": 2.4, "Motorcycle": 0.7}
_RING = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_BLACK: Colour = (0.012, 0.012, 0.014)
_GLASS: Colour = (0.05, 0.065, 0.075)
_SIDES = (-1, 1)


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with its centre at (x, z) metres, heading ``yaw`` (0 away from the camera, pi oncoming)."""

    category: str
    x: float
    z: float
    yaw: float
    running: bool  # engine, wheels and brakes warm
    lights: bool
    paint: Colour
    cargo: Colour
    shape: float  # in [0, 1): which body
    warmth: float  # of the body, kelvin above the air


def draw_vehicle(rng: Generator, category: str, x: float, z: float, yaw: float, moving: bool, dark: bool) -> Vehicle:
    """Draw the looks of a vehicle whose place is known."""
    palette = LIVERY if category == "Bus" else PAINT
    return Vehicle(
        category=category,
        x=x,
        z=z,
        yaw=yaw,
        running=moving,
        lights=moving and dark,
        paint=srgb(*palette[rng.integers(len(palette))]),
        cargo=srgb(*CARGO[rng.integers(len(CARGO))]),
        shape=float(rng.random()),
        warmth=float(rng.uniform(0.0, 1.2)),
    )


def paint_vehicle(canvas: Canvas, weather: Weather, vehicle: Vehicle) -> None:
    """Paint a vehicle, and its shadow on the ground."""
    body = _Body(canvas, weather, vehicle)
    _PAINTERS[vehicle.category](body)


def headlights(canvas: Canvas, vehicle: Vehicle) -> Points:
    """Return canvas pixels (2, 2) of a vehicle's headlights."""
    length, height = LENGTH[vehicle.category], 0.7
    half = WIDTH[vehicle.category] / 2 - 0.25
    return canvas.camera.project(_place(vehicle, np.array([(length, -half, height), (length, half, height)])))


class _Body:
    """Paints parts of one vehicle; knows which faces look at the camera."""

    def __init__(self, canvas: Canvas, weather: Weather, vehicle: Vehicle) -> None:
        self.canvas, self.weather, self.vehicle = canvas, weather, vehicle
        self.forward = (float(np.sin(vehicle.yaw)), float(np.cos(vehicle.yaw)))
        self.right = (self.forward[1], -self.forward[0])
        shift = canvas.camera.bend * vehicle.z**2 - canvas.camera.x
        self.eye = np.array([-shift, canvas.camera.y, 0.0])
        self.cold = weather.celsius + vehicle.warmth
        self.length, self.half = LENGTH[vehicle.category], WIDTH[vehicle.category] / 2

    def project(self, points: Points) -> Points:
        return self.canvas.camera.project(_place(self.vehicle, points))

    def facing(self, normal: tuple[float, float, float], point: tuple[float, float, float]) -> bool:
        """Tell whether a face with this outward normal (l, s, h), through a point, looks at the camera."""
        world = _place(self.vehicle, np.array([point]))[0]
        return bool(np.dot(self.world(normal), self.eye - world) > 0)

    def world(self, normal: tuple[float, float, float]) -> tuple[float, float, float]:
        n_l, n_s, n_h = normal
        x = n_l * self.forward[0] + n_s * self.right[0]
        return x, n_h, n_l * self.forward[1] + n_s * self.right[1]

    def fill(self, points: Points, colour: Colour, celsius: float, normal: tuple[float, float, float]) -> None:
        factor = self.weather.shade(self.world(normal))
        lit = (colour[0] * factor, colour[1] * factor, colour[2] * factor)
        self.canvas.paint(self.project(points), Material(lit, celsius, grain=0.03, mottle=0.25), self.vehicle.z)

    def hull(
        self, profile: Sequence[tuple[float, float, float]], colour: Colour, celsius: Sequence[float], glass: str = ""
    ) -> None:
        """Paint a profile of (l, h, half width), clockwise from the rear bottom, extruded across.

        ``celsius``: of each edge (from each vertex to the next), then of the sides. ``glass``: one
        letter an edge and one for the sides; "g" insets a window into that face.
        """
        edges = []
        for i, (a, b) in enumerate(zip(profile, [*profile[1:], profile[0]], strict=True)):
            run = np.hypot(b[0] - a[0], b[1] - a[1])
            normal = (-(b[1] - a[1]) / run, 0.0, (b[0] - a[0]) / run)
            middle = ((a[0] + b[0]) / 2, 0.0, (a[1] + b[1]) / 2)
            if self.facing(normal, middle):
                quad = np.array([(a[0], -a[2], a[1]), (b[0], -b[2], b[1]), (b[0], b[2], b[1]), (a[0], a[2], a[1])])
                away = float(np.linalg.norm(_place(self.vehicle, np.array([middle]))[0] - self.eye))
                edges.append((away, i, quad, normal))
        for _, i, quad, normal in sorted(edges, key=lambda edge: -edge[0]):
            self.fill(quad, colour, celsius[i], normal)
            if glass[i : i + 1] == "g":
                self._window(quad, normal)
        for side in _SIDES:
            if self.facing((0, side, 0), (self.length / 2, side * self.half, 1.0)):
                points = np.array([(p[0], side * p[2], p[1]) for p in profile])
                self.fill(points, colour, celsius[-1], (0, side, 0.1))
                if glass[-1:] == "g":
                    self._window(points, (0, side, 0.3))

    def _window(self, points: Points, normal: tuple[float, float, float]) -> None:
        centre = points.mean(axis=0)
        self.fill(centre + (points - centre) * 0.84, _GLASS, self.cold - 1.5, normal)

    def wheel(self, l: float, radius: float, side: int) -> None:  # noqa: E741
        """Paint one wheel: tyre with tread, then its hub if that side faces the camera."""
        ring = np.stack([l + radius * np.cos(_RING), np.zeros(16), radius + radius * np.sin(_RING)], axis=1)
        outer, inner = ring + (0, side * (self.half - 0.03), 0), ring + (0, side * (self.half - 0.24), 0)
        both = self.project(np.concatenate([outer, inner])).astype(np.float32)
        tyre = cv2.convexHull(both)[:, 0].astype(np.float64)
        warm = self.cold + (13 if self.vehicle.running else 0.0)
        self.canvas.paint(tyre, Material(_BLACK, warm, mottle=0.3), self.vehicle.z)
        if self.facing((0, side, 0), (l, side * self.half, radius)):
            hub = (ring - (l, 0, radius)) * 0.55 + (l, side * (self.half - 0.02), radius)
            self.fill(hub, (0.32, 0.33, 0.35), warm + (7 if self.vehicle.running else 0.0), (0, side, 0))

    def wheels(self, axles: Sequence[float], radius: float, near: bool) -> None:
        """Paint the wheels of the sides that look away (before the body) or at the camera (after it)."""
        for side in _SIDES:
            if self.facing((0, side, 0), (self.length / 2, side * self.half, 0.5)) == near:
                for axle in sorted(axles, key=lambda l: -abs(self._distance(l))):  # noqa: E741
                    self.wheel(axle, radius, side)

    def _distance(self, l: float) -> float:  # noqa: E741
        return float(_place(self.vehicle, np.array([(l, 0.0, 0.0)]))[0, 2])

    def patch(
        self,
        end: str,
        s: tuple[float, float],
        h: tuple[float, float],
        colour: Colour,
        celsius: float,
        *,
        glow: float = 0.0,
        at: float | None = None,
    ) -> None:
        """Paint a rectangle on the rear or front face, if that is seen; ``glow`` is emitted radiance."""
        l = (0.0 if end == "rear" else self.length) if at is None else at  # noqa: E741
        normal = (-1.0 if end == "rear" else 1.0, 0.0, 0.0)
        if self.facing(normal, (l, 0, 1)):
            self._rectangle(
                [(l, s[0], h[0]), (l, s[1], h[0]), (l, s[1], h[1]), (l, s[0], h[1])], colour, celsius, glow, normal
            )

    def strip(
        self,
        side: int,
        l: tuple[float, float],
        h: tuple[float, float],
        colour: Colour,
        celsius: float,
        glow: float = 0,  # noqa: E741
    ) -> None:
        """Paint a rectangle on a side face, if that is seen."""
        s, normal = side * self.half, (0.0, float(side), 0.0)
        if self.facing(normal, (self.length / 2, s, 1)):
            self._rectangle(
                [(l[0], s, h[0]), (l[1], s, h[0]), (l[1], s, h[1]), (l[0], s, h[1])], colour, celsius, glow, normal
            )

    def _rectangle(
        self,
        corners: Sequence[tuple[float, float, float]],
        colour: Colour,
        celsius: float,
        glow: float,
        normal: tuple[float, float, float],
    ) -> None:
        if glow:
            light = (colour[0] * glow, colour[1] * glow, colour[2] * glow)
            self.canvas.paint(self.project(np.array(corners)), Material(colour, celsius, light), self.vehicle.z)
        else:
            self.fill(np.array(corners), colour, celsius, normal)

    def lamps(self, height: float, inset: float = 0.06) -> None:
        """Paint headlights, tail lights and number plates."""
        on, half = self.vehicle.lights, self.half
        for side in _SIDES:
            s = (side * (half - inset - 0.36), side * (half - inset))
            self.patch("rear", s, (height, height + 0.16), (0.6, 0.02, 0.015), self.cold, glow=2.5 if on else 0)
            self.patch(
                "front", s, (height - 0.1, height + 0.06), (0.85, 0.85, 0.75), self.cold + 2, glow=14 if on else 0
            )
        for end in ("rear", "front"):
            self.patch(end, (-0.26, 0.26), (height - 0.28, height - 0.16), (0.7, 0.7, 0.65), self.cold)

    def shadow(self) -> None:
        """Darken the ground beneath, and the sun's shadow beside."""
        half, length = self.half, self.length
        corners = np.array([(l, s, 0.0) for l, s in ((0, -half), (length, -half), (length, half), (0, half))])
        self.canvas.cast_shadow(self.project(corners * (1, 1.08, 1)), 0.75)
        sun = self.weather.sun
        if sun is None:
            return
        world = _place(self.vehicle, np.concatenate([corners, corners + (0, 0, 1.3)]))
        drop = world[:, 1:2] / max(sun[1], 0.25)
        world = world - drop * np.array([[sun[0], 0, sun[2]]])
        world[:, 1] = 0
        outline = cv2.convexHull(self.canvas.camera.project(world).astype(np.float32))[:, 0]
        self.canvas.cast_shadow(outline.astype(np.float64), 0.55)


def _place(vehicle: Vehicle, points: Points) -> Points:
    """Return world points of (l, s, h) points."""
    forward = np.array([np.sin(vehicle.yaw), np.cos(vehicle.yaw)])
    right = np.array([forward[1], -forward[0]])
    along = points[:, :1] - LENGTH[vehicle.category] / 2
    ground = along * forward + points[:, 1:2] * right
    return np.stack([vehicle.x + ground[:, 0], points[:, 2], vehicle.z + ground[:, 1]], axis=1)


def _paint_car(body: _Body) -> None:
    vehicle, half, cold = body.vehicle, body.half, body.cold
    hot = 1.0 if vehicle.running else 0.0
    body.shadow()
    body.wheels((0.85, 3.6), 0.33, near=False)
    shell = [
        (0.05, 0.24, half), (0.0, 0.55, half), (0.08, 0.92, half * 0.95), (0.9, 0.97, half * 0.94),
        (3.2, 0.96, half * 0.94), (4.3, 0.82, half * 0.92), (4.5, 0.6, half * 0.96), (4.45, 0.24, half * 0.96),
    ]  # fmt: skip
    warm = [6 * hot, 1 * hot, 0, 0.5 * hot, 13 * hot, 16 * hot, 18 * hot, 9 * hot, 2 * hot]
    body.hull(shell, vehicle.paint, [cold + extra for extra in warm])
    if vehicle.shape < 0.45:  # saloon
        roof = [(0.55, 0.94), (1.15, 1.43), (2.3, 1.45), (3.25, 0.94)]
    elif vehicle.shape < 0.75:  # hatchback
        roof = [(0.1, 0.94), (0.45, 1.46), (2.3, 1.5), (3.2, 0.94)]
    else:  # off-roader
        roof = [(0.05, 0.94), (0.2, 1.66), (2.4, 1.68), (3.1, 0.96)]
    widths = (half * 0.93, half * 0.76, half * 0.76, half * 0.93)
    cabin = [(l, h, w) for (l, h), w in zip(roof, widths, strict=True)]
    body.hull(cabin, vehicle.paint, [cold, cold - 0.5, cold + 2 * hot, cold, cold], glass="g-g-g")
    for side in _SIDES:  # the pillar between the doors
        if body.facing((0, side, 0), (2.2, side * half, 1.0)):
            middle = (roof[1][0] + roof[2][0]) / 2 + 0.1
            pillar = [
                (middle, 0.94, 0.93),
                (middle + 0.12, 0.94, 0.93),
                (middle + 0.1, 1.44, 0.77),
                (middle, 1.44, 0.77),
            ]
            points = np.array([(l, side * half * w, h) for l, h, w in pillar])
            body.fill(points, vehicle.paint, cold, (0, side, 0.2))
            for door in (middle + 0.05, middle - 1.0):
                body.strip(side, (door, door + 0.03), (0.35, 0.9), _BLACK, cold)
            body.strip(side, (0.3, 4.3), (0.26, 0.36), (0.03, 0.03, 0.03), cold + 2 * hot)
    body.patch("rear", (-half * 0.9, half * 0.9), (0.26, 0.45), (0.03, 0.03, 0.03), cold + 7 * hot)
    body.patch("front", (-half * 0.6, half * 0.6), (0.34, 0.62), (0.02, 0.02, 0.02), cold + 20 * hot)
    body.lamps(0.66)
    body.wheels((0.85, 3.6), 0.33, near=True)


def _paint_bus(body: _Body) -> None:
    vehicle, half, cold = body.vehicle, body.half, body.cold
    hot = 1.0 if vehicle.running else 0.0
    inside = 3.0 if body.weather.night and vehicle.lights else 0.0
    axles = (2.6, 8.1)
    body.shadow()
    body.wheels(axles, 0.48, near=False)
    shell = [
        (0.0, 0.32, half),
        (0.0, 3.0, half),
        (0.2, 3.1, half),
        (10.3, 3.1, half),
        (10.5, 2.7, half),
        (10.5, 0.32, half),
    ]
    warm = [9 * hot, 2, 0, 0, 3 * hot, 0, 1.0 * hot]
    body.hull(shell, vehicle.paint, [cold + extra for extra in warm])
    pane: Colour = (0.75, 0.68, 0.5) if inside else _GLASS
    glow = 0.55 if inside else 0.0
    for side in _SIDES:
        body.strip(side, (0.2, 10.4), (0.34, 0.6), (0.05, 0.05, 0.055), cold + 3 * hot)
        for k in range(7):
            start = 0.5 + 1.4 * k
            body.strip(side, (start, start + 1.26), (1.55, 2.55), pane, cold + inside - 1, glow)
        body.strip(side, (9.1, 10.0), (0.5, 2.4), pane, cold + inside - 1, glow)
        body.strip(side, (0.0, 10.5), (1.2, 1.34), (0.8, 0.8, 0.78), cold + 0.5 * hot)
    body.patch("rear", (-1.0, 1.0), (1.7, 2.6), _GLASS, cold - 0.5)
    body.patch("rear", (-1.05, 1.05), (0.55, 1.3), (0.06, 0.06, 0.06), cold + 22 * hot)
    body.patch("front", (-1.14, 1.14), (1.15, 2.55), _GLASS, cold + 2)
    for end in ("rear", "front"):
        body.patch(end, (-0.75, 0.75), (2.68, 2.95), (0.9, 0.45, 0.08), cold, glow=1.6)
    body.lamps(0.75)
    body.wheels(axles, 0.48, near=True)


def _paint_truck(body: _Body) -> None:
    vehicle, half, cold = body.vehicle, body.half, body.cold
    hot = 1.0 if vehicle.running else 0.0
    axles = (1.3, 6.2)
    body.shadow()
    body.wheels(axles, 0.46, near=False)
    cab = [
        (5.6, 0.45, half * 0.94),
        (5.6, 2.4, half * 0.94),
        (6.6, 2.5, half * 0.94),
        (7.2, 1.5, half * 0.94),
        (7.4, 0.45, half * 0.94),
    ]
    top = 3.2 if vehicle.shape < 0.6 else 1.7  # box or dropside

    def paint_cab() -> None:
        body.hull(cab, vehicle.paint, [cold, cold, cold, cold + 14 * hot, cold, cold + 5 * hot], glass="--g---")
        for side in _SIDES:
            body.strip(side, (6.2, 7.0), (1.5, 2.25), _GLASS, cold - 1)
            body.strip(side, (5.7, 7.2), (0.45, 0.7), (0.04, 0.04, 0.04), cold + 12 * hot)
        body.patch("front", (-0.8, 0.8), (0.75, 1.3), (0.03, 0.03, 0.03), cold + 22 * hot)

    def paint_load() -> None:
        frame = [(0.0, 0.7, half * 0.9), (0.0, 0.95, half * 0.9), (5.5, 0.95, half * 0.9), (5.5, 0.7, half * 0.9)]
        body.hull(frame, (0.03, 0.03, 0.03), [cold + 3 * hot] * 5)
        load = [(0.0, 0.95, half), (0.0, top, half), (5.4, top, half), (5.4, 0.95, half)]
        body.hull(load, vehicle.cargo, [cold + 0.5] * 5)
        for side in _SIDES:
            for rib in np.arange(0.4, 5.2, 0.9):
                body.strip(side, (rib, rib + 0.07), (1.0, top - 0.1), _lit(vehicle.cargo, 0.6), cold + 0.4)
        body.patch("rear", (-0.03, 0.03), (1.0, top - 0.1), _BLACK, cold + 0.5)
        for s in (-0.75, 0.7):
            body.patch("rear", (s, s + 0.05), (1.0, top - 0.1), (0.3, 0.3, 0.3), cold + 0.5)

    rear_is_near = float(np.cos(vehicle.yaw)) > 0
    for part in (paint_cab, paint_load) if rear_is_near else (paint_load, paint_cab):
        part()
    body.patch("rear", (-half, half), (0.45, 0.62), (0.5, 0.1, 0.05), cold)
    body.lamps(0.78)
    body.wheels(axles, 0.46, near=True)


def _paint_motorcycle(body: _Body) -> None:
    """Paint a scooter; a rider is a person of his own, painted by the scene."""
    vehicle, cold = body.vehicle, body.cold
    hot = 1.0 if vehicle.running else 0.0
    half = 0.13
    body.half = 0.2
    body.canvas.cast_shadow(
        body.project(np.array([(0.0, -0.25, 0.0), (2.0, -0.25, 0.0), (2.0, 0.25, 0.0), (0.0, 0.25, 0.0)])), 0.6
    )
    for axle in (1.65, 0.33) if float(np.cos(vehicle.yaw)) > 0 else (0.33, 1.65):
        body.wheel(axle, 0.3, 1 if body.facing((0, 1, 0), (1, 0, 0.5)) else -1)
    rear = [(0.05, 0.5, half), (0.1, 0.78, half * 1.2), (1.0, 0.75, half), (1.05, 0.3, half), (0.4, 0.3, half)]
    shield = [(1.05, 0.28, half), (1.3, 1.0, half * 1.3), (1.42, 0.98, half * 1.3), (1.5, 0.45, half)]
    fork = [(1.58, 0.3, 0.05), (1.34, 0.95, 0.05), (1.42, 0.97, 0.05), (1.7, 0.32, 0.05)]
    parts = [
        lambda: body.hull(fork, (0.25, 0.25, 0.27), [cold + 2 * hot] * 5),
        lambda: body.hull(shield, vehicle.paint, [cold + 2 * hot] * 5),
        lambda: body.hull(
            [(1.05, 0.22, half), (1.05, 0.34, half), (0.3, 0.34, half), (0.3, 0.22, half)][::-1],
            _BLACK,
            [cold + 26 * hot] * 5,
        ),
        lambda: body.hull(rear, vehicle.paint, [cold + 9 * hot] * 6),
        lambda: body.hull(
            [(0.1, 0.76, half), (0.15, 0.86, half), (0.95, 0.82, half), (1.0, 0.74, half)], _BLACK, [cold + 4 * hot] * 5
        ),
    ]
    for part in parts if float(np.cos(vehicle.yaw)) > 0 else parts[::-1]:
        part()
    bar = [(1.32, -0.36, 1.02), (1.32, 0.36, 1.02), (1.32, 0.36, 1.09), (1.32, -0.36, 1.09)]
    body.fill(np.array(bar), _BLACK, cold, (-1, 0, 0))
    for side in _SIDES:
        mirror = np.array(
            [(1.33, side * 0.34 + s, 1.2 + h) for s, h in ((-0.07, -0.05), (0.07, -0.05), (0.07, 0.06), (-0.07, 0.06))]
        )
        body.fill(mirror, (0.1, 0.1, 0.1), cold, (-1, 0, 0))
    on = vehicle.lights
    body.patch("rear", (-0.11, 0.11), (0.6, 0.72), (0.6, 0.02, 0.015), cold, glow=2.5 if on else 0, at=0.04)
    body.patch("rear", (-0.1, 0.1), (0.4, 0.52), (0.75, 0.75, 0.7), cold, at=0.04)
    body.patch("front", (-0.12, 0.12), (0.78, 0.98), (0.85, 0.85, 0.75), cold, glow=12 if on else 0, at=1.5)


def _lit(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


_PAINTERS = {"Car": _paint_car, "Bus": _paint_bus, "Truck": _paint_truck, "Motorcycle": _paint_motorcycle}
