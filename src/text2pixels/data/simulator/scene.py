"""Composition: which things stand where in a scene, and the scene seen by both cameras."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from text2pixels import config
from text2pixels.data.manifest import SPLITS, Box
from text2pixels.data.simulator import light
from text2pixels.data.simulator.canvas import SUPERSAMPLING, Camera, Canvas
from text2pixels.data.simulator.people import draw_person, paint_person
from text2pixels.data.simulator.scenery import (
    CROSSING_WIDTH,
    Lamp,
    Street,
    draw_street,
    paint_frontage,
    paint_ground,
    paint_lamp,
    paint_sign,
    paint_sky,
    paint_skyline,
    paint_tree,
)
from text2pixels.data.simulator.sensors import expose_infrared, expose_visible
from text2pixels.data.simulator.vehicles import LENGTH, WIDTH, Vehicle, draw_vehicle, headlights, paint_vehicle
from text2pixels.data.simulator.weather import CONDITIONS, Weather, draw_weather
from text2pixels.tables import look_up

CATEGORIES = ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")
_VISIBLE_SHARE = 0.35  # of an object's pixels, below which it is not labelled
_INSIDE_SHARE = 0.35  # of its extent that the frame must hold
_SMALLEST = (3.0, 6.0)  # pixels across and up


@dataclass(frozen=True)
class Scene:
    """A simulated pair.

    Attributes:
        name: condition and number, "fog-00002".
        condition: one of `CONDITIONS`.
        time_of_day: "day" or "night".
        infrared: (H, W) gray, hot is white.
        visible: (H, W, 3) RGB.
        boxes: visible extents of the objects, pixels of the visible frame.
        homography: (3, 3), takes infrared pixels to visible pixels (pixel centres are integers).
    """

    name: str
    condition: str
    time_of_day: str
    infrared: NDArray[np.uint8]
    visible: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    homography: NDArray[np.float64]


@dataclass(frozen=True)
class _Item:
    """Something to paint, in its turn from far to near."""

    z: float
    category: str | None  # None: scenery
    paint: Callable[[Canvas, int], None]


def simulate(
    index: int, *, width: int, height: int, seed: int = 0, misalign: float = 0.0, condition: str | None = None
) -> Scene:
    """Return pair ``index`` of a seed: the same whatever else is generated, and the same scene at any size.

    Args:
        index: number of the pair; conditions take turns.
        width: of the frame, pixels.
        height: of the frame, pixels.
        seed: of the whole set.
        misalign: displacement of the infrared frame's corners, at most this share of the diagonal.
        condition: one of `CONDITIONS`; None lets the index decide.

    Raises:
        InputError: unknown condition.
    """
    if condition is None:
        condition = CONDITIONS[index % len(CONDITIONS)]
    look_up(dict.fromkeys(CONDITIONS), condition, "condition")
    rng = np.random.default_rng((seed, index, 0))
    homography, margin = _misalignment(np.random.default_rng((seed, index, 1)), width, height, misalign)
    weather = draw_weather(rng, condition)
    street = draw_street(rng)
    camera = _draw_camera(rng, street, width, height, margin)
    canvas = Canvas(camera)
    lamps, vehicles, items = _populate(rng, camera, weather, street)
    paint_sky(canvas, weather)
    paint_skyline(canvas, weather, rng)
    paint_ground(canvas, weather, street, rng)
    for x, z in paint_frontage(canvas, weather, street, rng):
        items.append(_tree(rng, weather, x, z))
    painted = _paint(canvas, items)
    smoke = light.draw_smoke(rng) if condition == "smoke" else None
    sources = _sources(rng, canvas, weather, vehicles) if condition == "glare" else []
    surfaces = canvas.resolve()
    offset = (float(rng.uniform(0, 512)), float(rng.uniform(0, 512)))
    texture = light.textures(surfaces, camera, offset)
    beams = weather.night and bool(rng.random() < 0.6)
    heat = light.apparent_celsius(surfaces, texture, camera, weather, smoke)
    if margin:
        # Infrared pixel -> visible pixel -> canvas pixel.
        to_canvas = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]]) @ homography
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        heat = cv2.warpPerspective(heat, to_canvas, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        frame = (slice(margin, margin + height), slice(margin, margin + width))
        surfaces = type(surfaces)(*(field[frame] for field in surfaces))
        texture, camera = texture[frame], replace(camera, margin=0)
    radiance = light.visible_radiance(surfaces, texture, camera, weather, lamps, sources, smoke, beams)
    return Scene(
        name=f"{condition}-{index:05d}",
        condition=condition,
        time_of_day="night" if weather.night else "day",
        infrared=expose_infrared(heat, camera.unit, np.random.default_rng((seed, index, 2))),
        visible=expose_visible(radiance, weather.night, camera.unit, np.random.default_rng((seed, index, 3))),
        boxes=_boxes(canvas, painted),
        homography=homography,
    )


def splits(simulator: config.Simulator) -> Iterator[tuple[str, int]]:
    """Yield (split, index) of every pair; conditions take turns, so that each split has all of them."""
    sizes = (simulator.train, simulator.val, simulator.test)
    index = 0
    for split, size in zip(SPLITS, sizes, strict=True):
        for _ in range(size):
            yield split, index
            index += 1


def pairs(simulator: config.Simulator) -> Iterator[tuple[str, Scene]]:
    """Yield (split, scene) of the whole set, train first."""
    for split, index in splits(simulator):
        yield (
            split,
            simulate(
                index,
                width=simulator.width,
                height=simulator.height,
                seed=simulator.seed,
                misalign=simulator.misalign,
            ),
        )


def _misalignment(rng: Generator, width: int, height: int, misalign: float) -> tuple[NDArray[np.float64], int]:
    """Return the infrared-to-visible homography and the margin that its corners need, pixels."""
    if misalign == 0:
        return np.eye(3), 0
    reach = misalign * float(np.hypot(width, height))
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], dtype=np.float32)
    angle, away = rng.uniform(0, 2 * np.pi, 5), reach * np.sqrt(rng.random(5))
    moves = np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    # Half common shift, half each corner's own.
    moved = (corners + 0.5 * moves[4] + 0.5 * moves[:4]).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, moved), dtype=np.float64), int(np.ceil(reach)) + 2


def _draw_camera(rng: Generator, street: Street, width: int, height: int, margin: int) -> Camera:
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


def _populate(
    rng: Generator, camera: Camera, weather: Weather, street: Street
) -> tuple[list[Lamp], list[Vehicle], list[_Item]]:
    """Draw people, vehicles, lamps, trees and signs in their places."""
    items: list[_Item] = []
    vehicles = _draw_traffic(rng, camera, weather, street)
    for vehicle in vehicles:
        items.append(_Item(vehicle.z, vehicle.category, _vehicle_painter(weather, vehicle)))
        if vehicle.category == "Motorcycle" and vehicle.running:
            rider = replace(draw_person(rng, vehicle.x, vehicle.z - 0.05), height=1.66)
            items.append(_Item(rider.z, "People", lambda canvas, _, rider=rider: paint_person(canvas, weather, rider)))  # type: ignore[misc]
    for _ in range(int(rng.choice([2, 3, 4, 5, 6], p=[0.2, 0.3, 0.25, 0.15, 0.1]))):
        place = _person_place(rng, camera, street, vehicles)
        if place is not None:
            person = draw_person(rng, *place)
            items.append(
                _Item(person.z, "People", lambda canvas, _, person=person: paint_person(canvas, weather, person))
            )  # type: ignore[misc]
    lamps = _draw_lamps(rng, camera, weather, street)
    for lamp in lamps:
        items.append(_Item(lamp.z, "Lamp", lambda canvas, owner, lamp=lamp: paint_lamp(canvas, weather, lamp, owner)))  # type: ignore[misc]
    if rng.random() < 0.6:
        side = float(rng.choice([-1, 1]))
        spacing = float(rng.uniform(6, 10))
        for z in np.arange(rng.uniform(8, 14), min(90, street.end - 3), spacing):
            if street.crossing is None or abs(z - street.crossing) > 6:
                for each in (side,) if rng.random() < 0.5 else (-side, side):
                    items.append(_tree(rng, weather, each * (street.road + street.pavement * 0.75), float(z)))
    for _ in range(int(rng.integers(0, 3))):
        z, x = float(rng.uniform(8, 30)), float(rng.choice([-1, 1])) * (street.road + 0.5)
        child = np.random.default_rng(rng.integers(1 << 32))
        items.append(_Item(z, None, lambda canvas, _, x=x, z=z, child=child: paint_sign(canvas, weather, child, x, z)))  # type: ignore[misc]
    return lamps, vehicles, items


def _tree(rng: Generator, weather: Weather, x: float, z: float) -> _Item:
    child = np.random.default_rng(rng.integers(1 << 32))
    return _Item(z, None, lambda canvas, _: paint_tree(canvas, weather, child, x, z))


def _vehicle_painter(weather: Weather, vehicle: Vehicle) -> Callable[[Canvas, int], None]:
    return lambda canvas, _: paint_vehicle(canvas, weather, vehicle)


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
        clear = all(abs(x - v.x) > _reach(v)[0] + 0.4 or abs(z - v.z) > _reach(v)[1] + 0.4 for v in vehicles)
        if 0.02 < _column(camera, x, z) < 0.98 and z < street.end - 4 and clear:
            return x, z
    return None


def _reach(vehicle: Vehicle) -> tuple[float, float]:
    """Return half extents of a vehicle in X and Z."""
    length, width = LENGTH[vehicle.category] / 2, WIDTH[vehicle.category] / 2
    sine, cosine = abs(np.sin(vehicle.yaw)), abs(np.cos(vehicle.yaw))
    return float(length * sine + width * cosine), float(length * cosine + width * sine)


def _draw_traffic(rng: Generator, camera: Camera, weather: Weather, street: Street) -> list[Vehicle]:
    """Draw moving and parked vehicles that do not overlap."""
    vehicles: list[Vehicle] = []
    names = ("Car", "Bus", "Truck", "Motorcycle")
    for _ in range(int(rng.choice([2, 3, 4, 5, 6], p=[0.15, 0.25, 0.3, 0.2, 0.1]))):
        category = str(rng.choice(names, p=[0.52, 0.14, 0.16, 0.18]))
        for _ in range(8):
            vehicle = _place_vehicle(rng, category, camera, weather, street)
            near = vehicle.z - _reach(vehicle)[1]
            inside = -0.1 < _column(camera, vehicle.x, vehicle.z) < 1.1 and near > 4.5 and vehicle.z < street.end - 4
            if inside and not any(_collide(vehicle, other) for other in vehicles):
                vehicles.append(vehicle)
                break
    return vehicles


def _place_vehicle(rng: Generator, category: str, camera: Camera, weather: Weather, street: Street) -> Vehicle:
    dark = weather.night or weather.condition in ("fog", "smoke")
    draw: Any = lambda x, z, yaw, moving: draw_vehicle(rng, category, x, z, yaw, moving, dark)  # noqa: E731
    if street.crossing is not None and rng.random() < 0.5:  # on the side road
        rightward = bool(rng.random() < 0.5)
        z = street.crossing + (-1.9 if rightward else 1.9)
        half = 0.5 * camera.width / camera.focal * z
        x = camera.x + float(rng.uniform(-1.1, 1.1)) * half
        return draw(x, z, (np.pi / 2 if rightward else -np.pi / 2) + float(rng.normal(0, 0.05)), True)  # type: ignore[no-any-return]
    z = float(np.exp(rng.uniform(np.log(8), np.log(55)))) + LENGTH[category] / 2
    away = bool(rng.random() < 0.5)
    side = 1 if away else -1
    yaw = 0.0 if away else np.pi
    if rng.random() < 0.45:  # parked at the kerb
        return draw(side * (street.road - WIDTH[category] / 2 - 0.25), z, yaw + float(rng.normal(0, 0.04)), False)  # type: ignore[no-any-return]
    lane = side * max(street.road * 0.45, 1.7)
    return draw(lane + float(rng.normal(0, 0.25)), z, yaw + float(rng.normal(0, 0.06)), True)  # type: ignore[no-any-return]


def _collide(one: Vehicle, other: Vehicle) -> bool:
    (ax, az), (bx, bz) = _reach(one), _reach(other)
    return abs(one.x - other.x) < ax + bx + 0.4 and abs(one.z - other.z) < az + bz + 1.0


def _draw_lamps(rng: Generator, camera: Camera, weather: Weather, street: Street) -> list[Lamp]:
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


def _sources(rng: Generator, canvas: Canvas, weather: Weather, vehicles: list[Vehicle]) -> list[light.Source]:
    """Return what dazzles the visible camera: the low sun, or headlights."""
    camera = canvas.camera
    if not weather.night:
        assert weather.sun is not None
        u = camera.centre + camera.focal * weather.sun[0] / weather.sun[2]
        v = camera.horizon - camera.focal * weather.sun[1] / weather.sun[2]
        return [light.Source(u, v, float(rng.uniform(2.2, 3.6)), 14 * camera.unit, (1.0, 0.90, 0.72))]
    sources = []
    for vehicle in vehicles:
        if np.cos(vehicle.yaw) < -0.5 and vehicle.running and vehicle.z < 35:
            for u, v in headlights(canvas, vehicle) - camera.margin:
                strength = float(rng.uniform(1.2, 2.4)) * 14 / vehicle.z
                sources.append(light.Source(float(u), float(v), strength, 9 * camera.unit, (1.0, 0.97, 0.9)))
    if not sources:  # a car that just came round the corner
        u, v = (
            camera.width * float(rng.uniform(0.25, 0.75)),
            camera.horizon + camera.height * float(rng.uniform(0.06, 0.16)),
        )
        gap = camera.width * float(rng.uniform(0.03, 0.07))
        sources = [light.Source(u + s * gap, v, 2.0, 9 * camera.unit, (1.0, 0.97, 0.9)) for s in (-1, 1)]
    return sources


def _paint(canvas: Canvas, items: list[_Item]) -> dict[int, tuple[str, int, float]]:
    """Paint far to near; return category, painted pixels and share inside the frame of each owner."""
    painted: dict[int, tuple[str, int, float]] = {}
    camera = canvas.camera
    frame = np.array([camera.width, camera.height], dtype=np.float64)
    for item in sorted(items, key=lambda item: -item.z):
        if item.category is None:
            item.paint(canvas, 0)
            continue
        owner = len(painted) + 1
        if item.category != "Lamp":
            canvas.begin(owner)
        item.paint(canvas, owner)
        low, high = canvas.low - camera.margin, canvas.high - camera.margin
        pixels = canvas.painted()
        canvas.begin(0)
        inside = np.clip(np.minimum(high, frame) - np.maximum(low, 0), 0, None).prod() / max((high - low).prod(), 1e-6)
        painted[owner] = (item.category, pixels, float(inside))
    return painted


def _boxes(canvas: Canvas, painted: dict[int, tuple[str, int, float]]) -> tuple[Box, ...]:
    """Return the visible extents of the objects that are worth a label."""
    owners = canvas.owners()
    boxes = []
    for owner, (category, pixels, inside) in painted.items():
        mask = owners == owner
        visible = int(np.count_nonzero(mask))
        if visible == 0 or visible < _VISIBLE_SHARE * pixels or inside < _INSIDE_SHARE:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        left, top = columns[0] / SUPERSAMPLING, rows[0] / SUPERSAMPLING
        w, h = (columns[-1] + 1) / SUPERSAMPLING - left, (rows[-1] + 1) / SUPERSAMPLING - top
        if w >= _SMALLEST[0] and h >= _SMALLEST[1] * (0.5 if category == "Lamp" else 1):
            boxes.append(Box(category, float(left), float(top), float(w), float(h)))
    return tuple(boxes)
