"""Staging: where the camera, people, vehicles, lamps, trees and signs of a scene are."""

import numpy as np
from numpy.random import Generator

from text2pixels_simulator.bodies import LENGTH, WIDTH, Vehicle, reach
from text2pixels_simulator.canvas import Camera
from text2pixels_simulator.furniture import Lamp, Sign, Tree
from text2pixels_simulator.people import Person, draw_person, draw_rider
from text2pixels_simulator.street import Street
from text2pixels_simulator.vehicles import draw_vehicle
from text2pixels_simulator.weather import Weather

Thing = Person | Vehicle | Lamp | Tree | Sign


def draw_camera(rng: Generator, street: Street, width: int, height: int, margin: int) -> Camera:
    """Draw where the camera stands: on a pavement or in a lane, and how it looks down the street."""
    on_pavement = rng.random() < 0.45
    x = street.road + street.pavement * 0.5 if on_pavement else street.road * float(rng.uniform(0.2, 0.6))
    if rng.random() < 0.3:
        x = -x
    return Camera(
        width=width,
        height=height,
        margin=margin,
        focal=float(rng.uniform(1.0, 1.35)) * float(np.sqrt(width * height)),
        centre=width * float(0.5 + (0.1 * x / 6) + rng.uniform(-0.1, 0.1)),
        horizon=height * float(rng.uniform(0.36, 0.48)),
        x=x,
        y=float(rng.uniform(1.6, 3.4)),
        bend=float(rng.normal(0, 0.0011)),
    )


def draw_things(rng: Generator, camera: Camera, weather: Weather, street: Street) -> list[Thing]:
    """Draw people, vehicles, lamps, trees and signs in their places."""
    vehicles = _draw_traffic(rng, camera, weather, street)
    things: list[Thing] = [*vehicles, *_draw_lamps(rng, weather, street)]
    for vehicle in vehicles:
        if vehicle.category == "Motorcycle" and vehicle.running:
            # The rider sits a little behind the middle, and is slightly nearer so that he is painted over the machine.
            seat = vehicle.x - 0.25 * float(np.sin(vehicle.yaw))
            things.append(draw_rider(rng, seat, vehicle.z - 0.05, vehicle.yaw))
    for _ in range(int(rng.choice([2, 3, 4, 5, 6], p=[0.2, 0.3, 0.25, 0.15, 0.1]))):
        place = _person_place(rng, camera, street, vehicles)
        if place is not None:
            things.append(draw_person(rng, *place))
    if rng.random() < 0.6:  # trees along the street
        sides = ((-1, 1), (-1,), (1,))[int(rng.integers(3))]
        for z in np.arange(rng.uniform(8, 14), min(75, street.end - 3), rng.uniform(6, 10)):
            if street.crossing is None or abs(z - street.crossing) > 6:
                x = street.road + street.pavement * 0.75
                things += [draw_tree(rng, side * x, float(z)) for side in sides]
    for _ in range(int(rng.integers(0, 3))):
        x, z = float(rng.choice([-1, 1])) * (street.road + 0.5), float(rng.uniform(8, 30))
        things.append(Sign(x, z, int(rng.integers(1 << 32))))
    return things


def draw_tree(rng: Generator, x: float, z: float) -> Tree:
    """Draw a tree at (x, z)."""
    return Tree(x, z, int(rng.integers(1 << 32)))


def _column(camera: Camera, x: float, z: float) -> float:
    """Return the column of a point as a share of the frame's width."""
    return float(camera.project(np.array([[x, 0.0, z]]))[0, 0] - camera.margin) / camera.width


def _person_place(
    rng: Generator, camera: Camera, street: Street, vehicles: list[Vehicle]
) -> tuple[float, float] | None:
    """Return a free place (x, z) inside the frame: on a pavement, or crossing the road."""
    for _ in range(12):
        tall = float(np.exp(rng.uniform(np.log(17), np.log(105)))) if rng.random() < 0.88 else float(rng.uniform(9, 17))
        z = 1.7 * camera.focal / (tall * camera.unit)
        if rng.random() < 0.6:
            x = float(rng.choice([-1, 1])) * (street.road + float(rng.uniform(0.3, street.pavement)))
        else:
            x = float(rng.uniform(-street.road, street.road))
        clear = all(abs(x - v.x) > reach(v)[0] + 0.4 or abs(z - v.z) > reach(v)[1] + 0.4 for v in vehicles)
        if 0.02 < _column(camera, x, z) < 0.98 and z < street.end - 4 and clear:
            return x, z
    return None


def _draw_traffic(rng: Generator, camera: Camera, weather: Weather, street: Street) -> list[Vehicle]:
    """Draw moving and parked vehicles that do not overlap."""
    vehicles: list[Vehicle] = []
    names = ("Car", "Bus", "Truck", "Motorcycle")
    for _ in range(int(rng.choice([2, 3, 4, 5, 6], p=[0.15, 0.25, 0.3, 0.2, 0.1]))):
        category = str(rng.choice(names, p=[0.52, 0.14, 0.16, 0.18]))
        for _ in range(8):
            vehicle = _place_vehicle(rng, category, camera, weather, street)
            near = vehicle.z - reach(vehicle)[1]
            inside = -0.1 < _column(camera, vehicle.x, vehicle.z) < 1.1 and near > 4.5 and vehicle.z < street.end - 4
            if inside and not any(_collide(vehicle, other) for other in vehicles):
                vehicles.append(vehicle)
                break
    return vehicles


def _place_vehicle(rng: Generator, category: str, camera: Camera, weather: Weather, street: Street) -> Vehicle:
    """Draw a vehicle on the side road, parked at the kerb, or in its lane."""
    dark = weather.night or weather.condition in ("fog", "smoke")
    moving = True
    if street.crossing is not None and rng.random() < 0.5:
        rightward = bool(rng.random() < 0.5)
        z = street.crossing + (-1.9 if rightward else 1.9)
        x = camera.x + float(rng.uniform(-1.1, 1.1)) * 0.5 * camera.width / camera.focal * z
        yaw = (np.pi / 2 if rightward else -np.pi / 2) + float(rng.normal(0, 0.05))
    else:
        z = float(np.exp(rng.uniform(np.log(8), np.log(55)))) + LENGTH[category] / 2
        side = 1 if rng.random() < 0.5 else -1
        moving = bool(rng.random() < 0.55)
        lane = max(street.road * 0.45, 1.7) + float(rng.normal(0, 0.25))
        x = side * (lane if moving else street.road - WIDTH[category] / 2 - 0.25)
        yaw = (0.0 if side > 0 else np.pi) + float(rng.normal(0, 0.05))
    return draw_vehicle(rng, category, x, z, yaw, moving, dark)


def _collide(one: Vehicle, other: Vehicle) -> bool:
    (ax, az), (bx, bz) = reach(one), reach(other)
    return abs(one.x - other.x) < ax + bx + 0.4 and abs(one.z - other.z) < az + bz + 1.0


def _draw_lamps(rng: Generator, weather: Weather, street: Street) -> list[Lamp]:
    """Draw one row of lamps; their light is warm or white."""
    side = float(rng.choice([-1, 1]))
    shape = str(rng.choice(["cobra", "globe", "lantern"]))
    height = float(rng.uniform(5.0, 7.0) if shape == "cobra" else rng.uniform(3.4, 4.6))
    lit = weather.night or (weather.condition in ("fog", "smoke") and rng.random() < 0.5)
    warm = rng.random() < 0.6
    spacing = float(rng.uniform(14, 24))
    lamps = []
    for z in np.arange(rng.uniform(9, 20), min(70, street.end - 3), spacing):
        x = side * (street.road + 0.7)
        reach = -side * 1.6 if shape == "cobra" else 0.0
        power = float(rng.uniform(2.2, 4.5)) * (height / 4) ** 1.3 if lit and rng.random() < 0.85 else 0.0
        lamps.append(Lamp(x, float(z), height, reach, shape, (1.0, 0.72, 0.38) if warm else (0.92, 0.97, 1.0), power))
    return lamps
