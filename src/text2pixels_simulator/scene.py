"""A scene: composed, painted, and seen by both cameras."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from text2pixels.datasets.manifest import SPLITS
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.registry import look_up
from text2pixels_simulator import light
from text2pixels_simulator.bodies import Vehicle, headlights
from text2pixels_simulator.boxes import Painted, find_boxes
from text2pixels_simulator.buildings import paint_frontage, paint_skyline
from text2pixels_simulator.canvas import Canvas
from text2pixels_simulator.furniture import Lamp, Sign, Tree, paint_lamp, paint_sign, paint_tree
from text2pixels_simulator.people import Person, paint_person
from text2pixels_simulator.sensors import expose_infrared, expose_visible
from text2pixels_simulator.staging import Thing, draw_camera, draw_things, draw_tree
from text2pixels_simulator.street import CLEAR_SKY, draw_street, paint_ground, paint_sky
from text2pixels_simulator.vehicles import paint_vehicle
from text2pixels_simulator.weather import CONDITIONS, Weather, draw_weather

_LEAST_SIDE = 48  # pixels
_MOST_MISALIGN = 0.2
CATEGORIES = ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")


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


def simulate(
    index: int, *, width: int, height: int, seed: int = 0, misalign: float = 0.0, condition: str | None = None
) -> Scene:
    """Return pair ``index`` of a seed.

    It does not depend on which other pairs are drawn. Frames of one aspect ratio show the same scene at any size.

    Args:
        index: number of the pair; conditions take turns.
        width: of the frame, pixels.
        height: of the frame, pixels.
        seed: of the whole set.
        misalign: displacement of the infrared frame's corners, at most this share of the diagonal.
        condition: one of `CONDITIONS`; None lets the index decide.

    Raises:
        InputError: unknown condition, or a number out of range.
    """
    if min(width, height) < _LEAST_SIDE:
        raise InputError(f"simulator: frame of {width}x{height} pixels; both sides must be at least {_LEAST_SIDE}")
    if min(index, seed) < 0:
        raise InputError(f"simulator: index {index} and seed {seed} must not be negative")
    if not 0 <= misalign <= _MOST_MISALIGN:
        raise InputError(f"simulator: misalign is {misalign}; expected a share between 0 and {_MOST_MISALIGN}")
    if condition is None:
        condition = _turn(index)
    look_up(dict.fromkeys(CONDITIONS), condition, "condition")
    rng = np.random.default_rng((seed, index, 0))
    homography, margin = _misalignment(np.random.default_rng((seed, index, 1)), width, height, misalign)
    weather = draw_weather(rng, condition)
    street = draw_street(rng)
    camera = draw_camera(rng, street, width, height, margin)
    canvas = Canvas(camera)
    things = draw_things(rng, camera, weather, street)
    paint_sky(canvas, weather)
    paint_skyline(canvas, weather, rng)
    paint_ground(canvas, weather, street, rng)
    things += [draw_tree(rng, x, z) for x, z in paint_frontage(canvas, weather, street, rng)]
    painted = _paint(canvas, weather, things)
    smoke = light.draw_smoke(rng) if condition == "smoke" else None
    sources = _sources(rng, canvas, weather, things) if condition == "glare" else []
    surfaces = canvas.resolve()
    offset = (float(rng.uniform(0, 512)), float(rng.uniform(0, 512)))
    grain, mottle = light.textures(surfaces, camera, offset)
    lamps = [thing for thing in things if isinstance(thing, Lamp)]
    beams = weather.night and bool(rng.random() < 0.35)
    heat = light.apparent_celsius(surfaces, mottle, camera, weather, smoke)
    frame = (slice(margin, margin + height), slice(margin, margin + width))
    aligned = heat[frame]
    if margin:
        # Infrared pixel -> visible pixel -> canvas pixel.
        to_canvas = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]]) @ homography
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        heat = cv2.warpPerspective(heat, to_canvas, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        surfaces, grain, camera = surfaces.cut(frame), grain[frame], replace(camera, margin=0)
    radiance = light.visible_radiance(surfaces, grain, camera, weather, lamps, sources, smoke, beams)
    visible = expose_visible(radiance, weather.night, camera.unit, np.random.default_rng((seed, index, 3)))
    return Scene(
        name=_name(condition, index),
        condition=condition,
        time_of_day=_time_of_day(weather),
        infrared=expose_infrared(heat, camera.unit, np.random.default_rng((seed, index, 2))),
        visible=visible,
        boxes=find_boxes(canvas.owners(), painted, visible, aligned),
        homography=homography,
    )


def splits(train: int, val: int, test: int) -> Iterator[tuple[str, int]]:
    """Yield (split, index) of every pair; conditions take turns, so that each split has all of them.

    Raises:
        InputError: a split has a negative size.
    """
    sizes = (train, val, test)
    if min(sizes) < 0:
        raise InputError(f"simulator: train, val and test are {sizes}; none may be negative")
    index = 0
    for split, size in zip(SPLITS, sizes, strict=True):
        for _ in range(size):
            yield split, index
            index += 1


def announce(index: int, seed: int) -> tuple[str, str]:
    """Return name and time of day of pair ``index`` without drawing it."""
    condition = _turn(index)
    return _name(condition, index), _time_of_day(draw_weather(np.random.default_rng((seed, index, 0)), condition))


def true_homography(index: int, *, width: int, height: int, seed: int, misalign: float) -> NDArray[np.float64]:
    """Return the infrared-to-visible homography (3, 3) of pair ``index`` without drawing it."""
    return _misalignment(np.random.default_rng((seed, index, 1)), width, height, misalign)[0]


def _turn(index: int) -> str:
    return CONDITIONS[index % len(CONDITIONS)]


def _name(condition: str, index: int) -> str:
    return f"{condition}-{index:05d}"


def _time_of_day(weather: Weather) -> str:
    return "night" if weather.night else "day"


def _misalignment(rng: Generator, width: int, height: int, misalign: float) -> tuple[NDArray[np.float64], int]:
    """Return the infrared-to-visible homography and the margin that its corners need, pixels."""
    if misalign == 0:
        return np.eye(3), 0
    reach = misalign * float(np.hypot(width, height))
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], dtype=np.float32)
    angle, away = rng.uniform(0, 2 * np.pi, 5), reach * np.sqrt(rng.random(5))
    moves = np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    # Half of each corner's displacement is common to all four, half is its own.
    moved = (corners + 0.5 * moves[4] + 0.5 * moves[:4]).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, moved), dtype=np.float64), int(np.ceil(reach)) + 2


def _sources(rng: Generator, canvas: Canvas, weather: Weather, things: list[Thing]) -> list[light.Source]:
    """Return what dazzles the visible camera: the low sun, or headlights."""
    camera, turn = canvas.camera, float(rng.uniform(0, np.pi))
    if not weather.night:
        assert weather.sun is not None
        u = camera.centre + camera.focal * weather.sun[0] / weather.sun[2]
        v = camera.horizon - camera.focal * weather.sun[1] / weather.sun[2]
        while v > 0.06 * camera.height and canvas.nearness_at(u, v) != 1 / CLEAR_SKY:
            v -= 0.02 * camera.height  # up, to where no roof or tree hides it
        return [light.Source(u, v, float(rng.uniform(2.2, 3.6)), 14 * camera.unit, (1.0, 0.90, 0.72), turn)]
    sources = []
    for thing in things:
        if isinstance(thing, Vehicle) and np.cos(thing.yaw) < -0.5 and thing.running and thing.z < 35:
            lights = headlights(canvas, thing) - camera.margin
            if not 0.05 * camera.width < lights[:, 0].mean() < 0.95 * camera.width:
                continue
            for u, v in lights:
                strength = float(rng.uniform(1.2, 2.4)) * 14 / thing.z
                sources.append(light.Source(float(u), float(v), strength, 9 * camera.unit, (1.0, 0.97, 0.9), turn))
    if not sources:  # no vehicle dazzles: add the headlights of one that is not drawn
        u = camera.width * float(rng.uniform(0.25, 0.75))
        v = camera.horizon + camera.height * float(rng.uniform(0.06, 0.16))
        gap = camera.width * float(rng.uniform(0.03, 0.07))
        sources = [light.Source(u + s * gap, v, 2.0, 9 * camera.unit, (1.0, 0.97, 0.9), turn) for s in (-1, 1)]
    return sources


def _paint(canvas: Canvas, weather: Weather, things: list[Thing]) -> dict[int, Painted]:
    """Paint far to near; return what each labelled object, numbered from 1, has painted."""
    painted: dict[int, Painted] = {}
    for thing in sorted(things, key=lambda thing: -thing.z):
        owner = len(painted) + 1
        match thing:
            case Tree():
                paint_tree(canvas, weather, thing)
                continue
            case Sign():
                paint_sign(canvas, weather, thing)
                continue
            case Lamp():
                category = "Lamp"
                paint_lamp(canvas, weather, thing, owner)
            case Person():
                category = "People"
                canvas.begin(owner)
                paint_person(canvas, weather, thing)
            case Vehicle():
                category = thing.category
                canvas.begin(owner)
                paint_vehicle(canvas, weather, thing)
        painted[owner] = Painted(category, *canvas.painted())
        canvas.begin(0)
    return painted
