"""People: walking or standing figures with limbs, seen from the side, from the front or from behind."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from text2pixels.data.simulator.canvas import Canvas, Colour, Material, Points
from text2pixels.data.simulator.colours import CLOTHES, HAIR, SKIN, srgb
from text2pixels.data.simulator.weather import Weather

_ARC = np.linspace(-np.pi / 2, np.pi / 2, 6)
_RING = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_Joint = tuple[float, float]


@dataclass(frozen=True)
class Person:
    """A figure: feet at (x, z) metres; ``height`` metres; ``facing`` is side, front or back."""

    x: float
    z: float
    height: float
    facing: str
    mirrored: bool
    phase: float  # of the gait, radians
    stride: float  # 0 stands, 1 strides
    build: float  # width of the body, 1 = average
    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    coat: bool
    bag: bool
    warmth: float  # of the clothes, kelvin above the usual


def draw_person(rng: Generator, x: float, z: float) -> Person:
    """Draw a figure that stands at (x, z)."""
    return Person(
        x=x,
        z=z,
        height=float(np.clip(rng.normal(1.7, 0.09), 1.2, 1.95)),
        facing=str(rng.choice(["side", "front", "back"], p=[0.5, 0.25, 0.25])),
        mirrored=bool(rng.random() < 0.5),
        phase=float(rng.uniform(0, 2 * np.pi)),
        stride=float(rng.choice([0.15, 0.7, 1.0, 1.15])),
        build=float(rng.uniform(0.9, 1.2)),
        shirt=srgb(*CLOTHES[rng.integers(len(CLOTHES))]),
        trousers=srgb(*CLOTHES[rng.integers(6)]),
        skin=srgb(*SKIN[rng.integers(len(SKIN))]),
        hair=srgb(*HAIR[rng.integers(len(HAIR))]),
        coat=bool(rng.random() < 0.3),
        bag=bool(rng.random() < 0.3),
        warmth=float(rng.uniform(-1.5, 1.5)),
    )


def paint_person(canvas: Canvas, weather: Weather, person: Person) -> None:
    """Paint a figure, far limbs first."""
    scale = canvas.camera.focal / person.z * person.height
    foot = canvas.camera.project(np.array([[person.x, 0.0, person.z]]))[0]
    mirror = -1.0 if person.mirrored else 1.0

    def fill(outline: Points, colour: Colour, celsius: float, grain: float = 0.15) -> None:
        placed = foot + outline * (scale * mirror, -scale)
        canvas.paint(placed, Material(colour, celsius, grain=grain, mottle=0.7), person.z)

    lit = weather.shade((0.3 * mirror, 0.2, -0.93))
    clothes = weather.celsius * 0.3 + 20.5 + person.warmth
    shirt, trousers = _lit(person.shirt, lit), _lit(person.trousers, lit)
    skin, hair, shoes = _lit(person.skin, lit), _lit(person.hair, lit), _lit((0.02, 0.02, 0.025), lit)
    arm_colour = shirt
    b = person.build
    swing = np.sin(person.phase) * person.stride
    if person.facing == "side":
        legs = [_leg(0.0, 0.45 * swing, person.stride), _leg(0.0, -0.45 * swing, person.stride)]
        arms = [_arm(0.0, 0.5 * swing), _arm(0.0, -0.5 * swing)]
        torso = _torso(0.062 * b, 0.072 * b, 0.06 * b)
    else:
        lift = 0.05 * swing
        legs = [_front_leg(-0.05 * b, max(lift, 0)), _front_leg(0.05 * b, max(-lift, 0))]
        arms = [_front_arm(-0.125 * b, swing), _front_arm(0.125 * b, -swing)]
        torso = _torso(0.118 * b, 0.088 * b, 0.092 * b)

    def leg(joints: tuple[_Joint, _Joint, _Joint, _Joint], shaded: float) -> None:
        hip, knee, ankle, toe = joints
        cloth = _lit(trousers, shaded)
        fill(_capsule(ankle, toe, 0.019, 0.014), shoes, clothes - 5)
        fill(_capsule(knee, ankle, 0.036 * b, 0.024), cloth, clothes - 1.5)
        fill(_capsule(hip, knee, 0.055 * b, 0.037 * b), cloth, clothes)

    def arm(joints: tuple[_Joint, _Joint, _Joint], shaded: float) -> None:
        shoulder, elbow, hand = joints
        fill(_capsule(elbow, hand, 0.022, 0.017), _lit(arm_colour, shaded), clothes + 0.5)
        fill(_capsule(shoulder, elbow, 0.031 * b, 0.024), _lit(arm_colour, shaded), clothes)
        fill(_disc(hand, 0.019), skin, 30.0)

    behind = 0.72 if person.facing == "side" else 1.0
    arm(arms[0], behind)
    leg(legs[0], behind)
    leg(legs[1], 1.0)
    if person.coat:
        skirt = np.array([(-0.075, 0.6), (0.075, 0.6), (0.095, 0.36), (-0.095, 0.36)]) * (b, 1)
        fill(skirt, shirt, clothes - 0.5)
    fill(_capsule((0.0, 0.8), (0.012, 0.88), 0.034, 0.03), skin, 32.5)
    fill(torso, shirt, clothes + 1.0)
    if person.bag:
        at = (-0.085 * b, 0.7) if person.facing == "side" else (0.0, 0.7)
        if person.facing != "front":
            fill(_capsule(at, (at[0], at[1] - 0.09), 0.06, 0.065), _lit((0.08, 0.03, 0.03), lit), clothes - 6)
    if not (person.bag and person.facing == "back"):
        arm(arms[1], 1.0)
    head = (0.014 if person.facing == "side" else 0.0, 0.932)
    face = hair if person.facing == "back" else skin
    fill(_disc(head, 0.052, 0.066), face, 33.0 if person.facing != "back" else 30.5)
    if person.facing != "back":
        tilt = -0.018 if person.facing == "side" else 0.0
        fill(_capsule((tilt - 0.02, 0.963), (tilt + 0.026, 0.971), 0.033, 0.026), hair, 29.5)
        if person.facing == "side":
            fill(_capsule((-0.018, 0.955), (-0.022, 0.925), 0.03, 0.022), hair, 29.5)


def _lit(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _leg(x: float, thigh: float, stride: float) -> tuple[_Joint, _Joint, _Joint, _Joint]:
    """Return hip, knee, ankle and toe; the trailing leg bends more, and the lower foot touches the ground."""
    bend = (0.12 if thigh > 0 else 0.42) * min(stride, 1.0)
    hip = (x, 0.5)
    knee = (x + 0.235 * np.sin(thigh), 0.5 - 0.235 * np.cos(thigh))
    shank = thigh - bend
    ankle = (knee[0] + 0.235 * np.sin(shank), knee[1] - 0.235 * np.cos(shank))
    return hip, knee, ankle, (ankle[0] + 0.075, ankle[1] - 0.012)


def _front_leg(x: float, lift: float) -> tuple[_Joint, _Joint, _Joint, _Joint]:
    return (x, 0.5), (x * 1.1, 0.27), (x * 1.1, 0.035 + lift), (x * 1.2, 0.018 + lift)


def _arm(x: float, angle: float) -> tuple[_Joint, _Joint, _Joint]:
    elbow = (x + 0.17 * np.sin(angle), 0.8 - 0.17 * np.cos(angle))
    forearm = angle + 0.35
    return (x, 0.8), elbow, (elbow[0] + 0.15 * np.sin(forearm), elbow[1] - 0.15 * np.cos(forearm))


def _front_arm(x: float, swing: float) -> tuple[_Joint, _Joint, _Joint]:
    return (x, 0.8), (x * 1.22, 0.645), (x * 1.2, 0.49 + 0.03 * swing)


def _torso(shoulder: float, waist: float, hip: float) -> Points:
    half = [(shoulder * 0.55, 0.855), (shoulder, 0.825), (shoulder * 0.98, 0.75), (waist, 0.62), (hip, 0.49)]
    return np.array(half + [(-x, y) for x, y in reversed(half)])


def _capsule(start: _Joint, end: _Joint, start_radius: float, end_radius: float) -> Points:
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    front, back = angle + _ARC, angle + np.pi + _ARC
    return np.concatenate(
        [
            np.stack([end[0] + end_radius * np.cos(front), end[1] + end_radius * np.sin(front)], axis=1),
            np.stack([start[0] + start_radius * np.cos(back), start[1] + start_radius * np.sin(back)], axis=1),
        ]
    )


def _disc(centre: _Joint, across: float, up: float | None = None) -> Points:
    return np.stack([centre[0] + across * np.cos(_RING), centre[1] + (up or across) * np.sin(_RING)], axis=1)
