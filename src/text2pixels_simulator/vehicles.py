"""The vehicles: what cars, buses, trucks and motorcycles look like to both cameras."""

import numpy as np
from numpy.random import Generator

from text2pixels_simulator.bodies import BLACK, GLASS, SIDES, Body, Vehicle
from text2pixels_simulator.canvas import Canvas, Colour
from text2pixels_simulator.colours import CARGO, LIVERY, PAINT, pick, shaded
from text2pixels_simulator.weather import Weather


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
        paint=pick(rng, palette),
        cargo=pick(rng, CARGO),
        shape=float(rng.random()),
        warmth=float(rng.uniform(0.0, 1.2)),
    )


def paint_vehicle(canvas: Canvas, weather: Weather, vehicle: Vehicle) -> None:
    """Paint a vehicle, and its shadow on the ground."""
    body = Body(canvas, weather, vehicle)
    _PAINTERS[vehicle.category](body)


def _paint_car(body: Body) -> None:
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
    cabin = [(along, h, w) for (along, h), w in zip(roof, widths, strict=True)]
    body.hull(cabin, vehicle.paint, [cold, cold - 0.5, cold + 2 * hot, cold, cold], glass="g-g-g")
    for side in SIDES:  # the pillar between the doors
        if body.facing((0, side, 0), (2.2, side * half, 1.0)):
            middle = (roof[1][0] + roof[2][0]) / 2 + 0.1
            pillar = [
                (middle, 0.94, 0.93),
                (middle + 0.12, 0.94, 0.93),
                (middle + 0.1, 1.44, 0.77),
                (middle, 1.44, 0.77),
            ]
            points = np.array([(along, side * half * w, h) for along, h, w in pillar])
            body.fill(points, vehicle.paint, cold, (0, side, 0.2))
            for door in (middle + 0.05, middle - 1.0):
                body.strip(side, (door, door + 0.03), (0.35, 0.9), BLACK, cold)
            body.strip(side, (0.3, 4.3), (0.26, 0.36), (0.03, 0.03, 0.03), cold + 2 * hot)
    body.patch("rear", (-half * 0.9, half * 0.9), (0.26, 0.45), (0.03, 0.03, 0.03), cold + 7 * hot)
    body.patch("front", (-half * 0.6, half * 0.6), (0.34, 0.62), (0.02, 0.02, 0.02), cold + 20 * hot)
    body.lamps(0.66)
    body.wheels((0.85, 3.6), 0.33, near=True)


def _paint_bus(body: Body) -> None:
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
    warm = [9 * hot, 1.5 * hot, 0, 0, 3 * hot, 0, 2.0 * hot]
    body.hull(shell, vehicle.paint, [cold + extra for extra in warm])
    pane: Colour = (0.75, 0.68, 0.5) if inside else GLASS
    glow = 0.55 if inside else 0.0
    for side in SIDES:
        body.strip(side, (0.2, 10.4), (0.34, 0.6), (0.05, 0.05, 0.055), cold + 3 * hot)
        for k in range(7):
            start = 0.5 + 1.4 * k
            body.strip(side, (start, start + 1.26), (1.55, 2.55), pane, cold + inside - 1, glow)
        body.strip(side, (9.1, 10.0), (0.5, 2.4), pane, cold + inside - 1, glow)
        body.strip(side, (0.0, 10.5), (1.2, 1.34), (0.8, 0.8, 0.78), cold + 0.5 * hot)
    body.patch("rear", (-1.0, 1.0), (1.7, 2.6), GLASS, cold - 0.5)
    body.patch("rear", (-1.05, 1.05), (0.55, 1.3), (0.06, 0.06, 0.06), cold + 22 * hot)
    body.patch("front", (-1.14, 1.14), (1.15, 2.55), GLASS, cold + 2)
    for end in ("rear", "front"):
        body.patch(end, (-0.75, 0.75), (2.68, 2.95), (0.9, 0.45, 0.08), cold, glow=1.6)
    body.lamps(0.75)
    body.wheels(axles, 0.48, near=True)


def _paint_truck(body: Body) -> None:
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
        for side in SIDES:
            body.strip(side, (6.2, 7.0), (1.5, 2.25), GLASS, cold - 1)
            body.strip(side, (5.7, 7.2), (0.45, 0.7), (0.04, 0.04, 0.04), cold + 12 * hot)
        body.patch("front", (-0.8, 0.8), (0.75, 1.3), (0.03, 0.03, 0.03), cold + 22 * hot)

    def paint_load() -> None:
        frame = [(0.0, 0.7, half * 0.9), (0.0, 0.95, half * 0.9), (5.5, 0.95, half * 0.9), (5.5, 0.7, half * 0.9)]
        body.hull(frame, (0.03, 0.03, 0.03), [cold + 3 * hot] * 5)
        load = [(0.0, 0.95, half), (0.0, top, half), (5.4, top, half), (5.4, 0.95, half)]
        body.hull(load, vehicle.cargo, [cold + 0.5] * 5)
        for side in SIDES:
            for rib in np.arange(0.4, 5.2, 0.9):
                body.strip(side, (rib, rib + 0.07), (1.0, top - 0.1), shaded(vehicle.cargo, 0.6), cold + 0.4)
        body.patch("rear", (-0.03, 0.03), (1.0, top - 0.1), BLACK, cold + 0.5)
        for s in (-0.75, 0.7):
            body.patch("rear", (s, s + 0.05), (1.0, top - 0.1), (0.3, 0.3, 0.3), cold + 0.5)

    rear_is_near = float(np.cos(vehicle.yaw)) > 0
    for part in (paint_cab, paint_load) if rear_is_near else (paint_load, paint_cab):
        part()
    body.patch("rear", (-half, half), (0.45, 0.62), (0.5, 0.1, 0.05), cold)
    body.lamps(0.78)
    body.wheels(axles, 0.46, near=True)


def _paint_motorcycle(body: Body) -> None:
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
    board = [(0.3, 0.22, half), (0.3, 0.34, half), (1.05, 0.34, half), (1.05, 0.22, half)]
    saddle = [(0.1, 0.76, half), (0.15, 0.86, half), (0.95, 0.82, half), (1.0, 0.74, half)]
    parts = [  # front to rear: profile, colour, kelvin that the engine beside it adds
        (fork, (0.25, 0.25, 0.27), 2),
        (shield, vehicle.paint, 2),
        (board, BLACK, 26),
        (rear, vehicle.paint, 9),
        (saddle, BLACK, 4),
    ]
    for profile, colour, warmth in parts if float(np.cos(vehicle.yaw)) > 0 else parts[::-1]:
        body.hull(profile, colour, [cold + warmth * hot] * (len(profile) + 1))
    bar = [(1.32, -0.36, 1.02), (1.32, 0.36, 1.02), (1.32, 0.36, 1.09), (1.32, -0.36, 1.09)]
    body.fill(np.array(bar), BLACK, cold, (-1, 0, 0))
    for side in SIDES:
        mirror = np.array(
            [(1.33, side * 0.34 + s, 1.2 + h) for s, h in ((-0.07, -0.05), (0.07, -0.05), (0.07, 0.06), (-0.07, 0.06))]
        )
        body.fill(mirror, (0.1, 0.1, 0.1), cold, (-1, 0, 0))
    on = vehicle.lights
    body.patch("rear", (-0.11, 0.11), (0.6, 0.72), (0.6, 0.02, 0.015), cold, glow=2.5 if on else 0, at=0.04)
    body.patch("rear", (-0.1, 0.1), (0.4, 0.52), (0.75, 0.75, 0.7), cold, at=0.04)
    body.patch("front", (-0.12, 0.12), (0.78, 0.98), (0.85, 0.85, 0.75), cold, glow=12 if on else 0, at=1.5)


_PAINTERS = {"Car": _paint_car, "Bus": _paint_bus, "Truck": _paint_truck, "Motorcycle": _paint_motorcycle}
