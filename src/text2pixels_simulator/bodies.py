"""Vehicles as bodies: profiles extruded across their width, so that any yaw shows the right faces.

Coordinates of a vehicle: along, forward from the rear bumper; s to the right; h up; in metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from text2pixels_simulator.canvas import Canvas, Colour, Material, Points
from text2pixels_simulator.weather import Weather

LENGTH = {"Car": 4.5, "Bus": 10.5, "Truck": 7.4, "Motorcycle": 2.0}
WIDTH = {"Car": 1.8, "Bus": 2.5, "Truck": 2.4, "Motorcycle": 0.7}
SIDES = (-1, 1)
BLACK: Colour = (0.012, 0.012, 0.014)
GLASS: Colour = (0.05, 0.065, 0.075)
_RING = np.linspace(0, 2 * np.pi, 16, endpoint=False)


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


def headlights(canvas: Canvas, vehicle: Vehicle) -> Points:
    """Return canvas pixels (2, 2) of a vehicle's headlights."""
    length, height = LENGTH[vehicle.category], 0.7
    half = WIDTH[vehicle.category] / 2 - 0.25
    to_world, origin = _pose(vehicle)
    return canvas.camera.project(np.array([(length, -half, height), (length, half, height)]) @ to_world + origin)


def reach(vehicle: Vehicle) -> tuple[float, float]:
    """Return half extents of a vehicle in X and Z, metres."""
    length, width = LENGTH[vehicle.category] / 2, WIDTH[vehicle.category] / 2
    sine, cosine = abs(np.sin(vehicle.yaw)), abs(np.cos(vehicle.yaw))
    return float(length * sine + width * cosine), float(length * cosine + width * sine)


def _pose(vehicle: Vehicle) -> tuple[Points, Points]:
    """Return the matrix (3, 3) and the offset that take rows (along, s, h) to the world."""
    sine, cosine = np.sin(vehicle.yaw), np.cos(vehicle.yaw)
    to_world = np.array([(sine, 0, cosine), (cosine, 0, -sine), (0, 1, 0)])
    middle = LENGTH[vehicle.category] / 2
    return to_world, np.array([vehicle.x - middle * sine, 0, vehicle.z - middle * cosine])


class Body:
    """Paints parts of one vehicle; knows which faces look at the camera."""

    def __init__(self, canvas: Canvas, weather: Weather, vehicle: Vehicle) -> None:
        self.canvas, self.weather, self.vehicle = canvas, weather, vehicle
        self.to_world, self.origin = _pose(vehicle)
        camera = canvas.camera
        eye = np.array([camera.x - camera.bend * vehicle.z**2, camera.y, 0.0])
        self.eye: list[float] = ((eye - self.origin) @ self.to_world.T).tolist()
        self.cold = weather.celsius + vehicle.warmth
        self.length, self.half = LENGTH[vehicle.category], WIDTH[vehicle.category] / 2

    def project(self, points: Points) -> Points:
        """Return canvas pixels (N, 2) of points (N, 3) of the vehicle."""
        return self.canvas.camera.project(points @ self.to_world + self.origin)

    def facing(self, normal: tuple[float, float, float], point: tuple[float, float, float]) -> bool:
        """Tell whether a face with this outward normal (along, s, h), through a point, looks at the camera."""
        return sum(n * (e - p) for n, e, p in zip(normal, self.eye, point, strict=True)) > 0

    def world(self, normal: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return a normal in world axes."""
        x, y, z = (np.array(normal) @ self.to_world).tolist()
        return x, y, z

    def fill(self, points: Points, colour: Colour, celsius: float, normal: tuple[float, float, float]) -> None:
        """Paint a polygon (N, 3) of the vehicle, lit by its normal."""
        factor = self.weather.shade(self.world(normal))
        lit = (colour[0] * factor, colour[1] * factor, colour[2] * factor)
        self.canvas.paint(self.project(points), Material(lit, celsius, grain=0.03, mottle=0.25), self.vehicle.z)

    def hull(
        self, profile: Sequence[tuple[float, float, float]], colour: Colour, celsius: Sequence[float], glass: str = ""
    ) -> None:
        """Paint a profile of (along, h, half width), clockwise from the rear bottom, extruded across.

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
                away = sum((e - p) ** 2 for e, p in zip(self.eye, middle, strict=True))
                edges.append((away, i, quad, normal))
        for _, i, quad, normal in sorted(edges, key=lambda edge: -edge[0]):
            self.fill(quad, colour, celsius[i], normal)
            if glass[i : i + 1] == "g":
                self._window(quad, normal)
        for side in SIDES:
            if self.facing((0, side, 0), (self.length / 2, side * self.half, 1.0)):
                points = np.array([(p[0], side * p[2], p[1]) for p in profile])
                self.fill(points, colour, celsius[-1], (0, side, 0.1))
                if glass[-1:] == "g":
                    self._window(points, (0, side, 0.3))

    def _window(self, points: Points, normal: tuple[float, float, float]) -> None:
        centre = points.mean(axis=0)
        self.fill(centre + (points - centre) * 0.84, GLASS, self.cold - 1.5, normal)

    def wheel(self, along: float, radius: float, side: int) -> None:
        """Paint one wheel: tyre with tread, then its hub if that side faces the camera."""
        ring = np.stack([along + radius * np.cos(_RING), np.zeros(16), radius + radius * np.sin(_RING)], axis=1)
        outer, inner = (
            ring + np.array((0, side * (self.half - 0.03), 0)),
            ring + np.array((0, side * (self.half - 0.24), 0)),
        )
        both = self.project(np.concatenate([outer, inner])).astype(np.float32)
        tyre = cv2.convexHull(both)[:, 0].astype(np.float64)
        warm = self.cold + (13 if self.vehicle.running else 0.0)
        self.canvas.paint(tyre, Material(BLACK, warm, mottle=0.3), self.vehicle.z)
        if self.facing((0, side, 0), (along, side * self.half, radius)):
            hub = (ring - (along, 0, radius)) * 0.55 + (along, side * (self.half - 0.02), radius)
            self.fill(hub, (0.32, 0.33, 0.35), warm + (7 if self.vehicle.running else 0.0), (0, side, 0))

    def wheels(self, axles: Sequence[float], radius: float, near: bool) -> None:
        """Paint the wheels of the sides that look away (before the body) or at the camera (after it)."""
        for side in SIDES:
            if self.facing((0, side, 0), (self.length / 2, side * self.half, 0.5)) == near:
                for axle in sorted(axles, key=lambda along: -abs(along - self.eye[0])):
                    self.wheel(axle, radius, side)

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
        along = (0.0 if end == "rear" else self.length) if at is None else at
        normal = (-1.0 if end == "rear" else 1.0, 0.0, 0.0)
        if self.facing(normal, (along, 0, 1)):
            self._rectangle(
                [(along, s[0], h[0]), (along, s[1], h[0]), (along, s[1], h[1]), (along, s[0], h[1])],
                colour,
                celsius,
                glow,
                normal,
            )

    def strip(
        self,
        side: int,
        along: tuple[float, float],
        h: tuple[float, float],
        colour: Colour,
        celsius: float,
        glow: float = 0,
    ) -> None:
        """Paint a rectangle on a side face, if that is seen."""
        s, normal = side * self.half, (0.0, float(side), 0.0)
        if self.facing(normal, (self.length / 2, s, 1)):
            self._rectangle(
                [(along[0], s, h[0]), (along[1], s, h[0]), (along[1], s, h[1]), (along[0], s, h[1])],
                colour,
                celsius,
                glow,
                normal,
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
        for side in SIDES:
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
        corners = np.array([(along, s, 0.0) for along, s in ((0, -half), (length, -half), (length, half), (0, half))])
        self.canvas.cast_shadow(self.project(corners * (1, 1.08, 1)), 0.75)
        sun = self.weather.sun
        if sun is None:
            return
        world = np.concatenate([corners, corners + np.array((0, 0, 1.3))]) @ self.to_world + self.origin
        drop = world[:, 1:2] / max(sun[1], 0.25)
        world = world - drop * np.array([[sun[0], 0, sun[2]]])
        world[:, 1] = 0
        outline = cv2.convexHull(self.canvas.camera.project(world).astype(np.float32))[:, 0]
        self.canvas.cast_shadow(outline.astype(np.float64), 0.6)
