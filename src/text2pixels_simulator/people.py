"""People: walking or standing figures with limbs, seen from the side, from the front or from behind."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from text2pixels_simulator.canvas import Canvas, Colour, Material, Points
from text2pixels_simulator.colours import CLOTHES, HAIR, SKIN, pick, shaded
from text2pixels_simulator.weather import Weather

_ARC = np.exp(1j * np.linspace(-np.pi / 2, np.pi / 2, 6))
_RING = np.exp(1j * np.linspace(0, 2 * np.pi, 14, endpoint=False)).view(np.float64).reshape(-1, 2)
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
    helmet: Colour | None = None  # worn by riders, who sit


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
        shirt=pick(rng, CLOTHES),
        trousers=pick(rng, CLOTHES[:6]),
        skin=pick(rng, SKIN),
        hair=pick(rng, HAIR),
        coat=bool(rng.random() < 0.3),
        bag=bool(rng.random() < 0.3),
        warmth=float(rng.uniform(-1.5, 1.5)),
    )


def draw_rider(rng: Generator, x: float, z: float, yaw: float) -> Person:
    """Draw the rider of a motorcycle that heads ``yaw`` (0 away from the camera)."""
    across = abs(np.sin(yaw)) > 0.5
    facing = "side" if across else "back" if np.cos(yaw) > 0 else "front"
    return replace(
        draw_person(rng, x, z),
        height=1.68,
        facing=facing,
        mirrored=bool(across and np.sin(yaw) < 0),
        coat=False,
        bag=False,
        helmet=pick(rng, CLOTHES[6:]),
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
    clothes = weather.celsius * 0.25 + 22.5 + person.warmth
    shirt, trousers = shaded(person.shirt, lit), shaded(person.trousers, lit)
    skin, hair, shoes = shaded(person.skin, lit), shaded(person.hair, lit), shaded((0.02, 0.02, 0.025), lit)
    b = person.build
    swing = np.sin(person.phase) * person.stride
    sitting = person.helmet is not None
    if person.facing == "side":
        legs = [_leg(0.0, 0.45 * swing, person.stride), _leg(0.0, -0.45 * swing, person.stride)]
        arms = [_arm(0.0, 0.5 * swing), _arm(0.0, -0.5 * swing)]
        torso = _torso(0.062 * b, 0.072 * b, 0.06 * b)
        if sitting:
            legs = 2 * [((-0.03, 0.51), (0.19, 0.47), (0.14, 0.22), (0.21, 0.2))]
            arms = 2 * [((0.0, 0.8), (0.1, 0.66), (0.27, 0.65))]
    else:
        lift = 0.05 * swing
        legs = [_front_leg(-0.05 * b, max(lift, 0)), _front_leg(0.05 * b, max(-lift, 0))]
        arms = [_front_arm(-0.125 * b, swing), _front_arm(0.125 * b, -swing)]
        torso = _torso(0.118 * b, 0.088 * b, 0.092 * b)
        if sitting:
            legs = [((s * 0.05, 0.5), (s * 0.13, 0.44), (s * 0.1, 0.22), (s * 0.12, 0.2)) for s in (-1, 1)]
            arms = [((s * 0.12, 0.8), (s * 0.19, 0.68), (s * 0.2, 0.62)) for s in (-1, 1)]

    def leg(joints: tuple[_Joint, _Joint, _Joint, _Joint], dim: float) -> None:
        hip, knee, ankle, toe = joints
        cloth = shaded(trousers, dim)
        fill(_capsule(ankle, toe, 0.019, 0.014), shoes, clothes - 5)
        fill(_capsule(knee, ankle, 0.036 * b, 0.024), cloth, clothes - 1.5)
        fill(_capsule(hip, knee, 0.055 * b, 0.037 * b), cloth, clothes)

    def arm(joints: tuple[_Joint, _Joint, _Joint], dim: float) -> None:
        shoulder, elbow, hand = joints
        fill(_capsule(elbow, hand, 0.022, 0.017), shaded(shirt, dim), clothes + 0.5)
        fill(_capsule(shoulder, elbow, 0.031 * b, 0.024), shaded(shirt, dim), clothes)
        fill(_disc(hand, 0.019), skin, 30.0)

    behind = 0.72 if person.facing == "side" else 0.88
    arm(arms[0], behind)
    leg(legs[0], behind)
    leg(legs[1], 1.0)
    if person.coat:
        skirt = np.array([(-0.075, 0.6), (0.075, 0.6), (0.095, 0.36), (-0.095, 0.36)]) * (b, 1)
        fill(skirt, shirt, clothes - 0.5)
    fill(_capsule((0.0, 0.8), (0.012, 0.88), 0.034, 0.03), skin, 32.5)
    fill(torso, shirt, clothes + 1.0)
    shade = torso[torso[:, 0] <= 0]  # the side away from the light
    fill(np.concatenate([shade, shade[::-1] * (0.25, 1)]), shaded(shirt, 0.72), clothes + 0.8)
    if person.bag:
        at = (-0.085 * b, 0.7) if person.facing == "side" else (0.0, 0.7)
        if person.facing != "front":
            fill(_capsule(at, (at[0], at[1] - 0.09), 0.06, 0.065), shaded((0.08, 0.03, 0.03), lit), clothes - 6)
    if not (person.bag and person.facing == "back"):
        arm(arms[1], 0.88)
    head = (0.014 if person.facing == "side" else 0.0, 0.932)
    face = hair if person.facing == "back" else skin
    fill(_disc(head, 0.052, 0.066), face, 33.0 if person.facing != "back" else 30.5)
    if person.helmet is not None:
        fill(_disc((head[0] - 0.006, 0.945), 0.07, 0.068), shaded(person.helmet, lit), clothes - 1.5)
        if person.facing != "back":
            fill(_capsule((head[0] + 0.01, 0.93), (head[0] + 0.045, 0.93), 0.022, 0.022), (0.01, 0.01, 0.012), 27.0)
    elif person.facing != "back":
        tilt = -0.018 if person.facing == "side" else 0.0
        fill(_capsule((tilt - 0.02, 0.963), (tilt + 0.026, 0.971), 0.033, 0.026), hair, 29.5)
        if person.facing == "side":
            fill(_capsule((-0.018, 0.955), (-0.022, 0.925), 0.03, 0.022), hair, 29.5)


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
    """Return a limb with round ends, (12, 2)."""
    first, last = complex(*start), complex(*end)
    along = (last - first) / abs(last - first)
    outline = np.concatenate([last + end_radius * along * _ARC, first - start_radius * along * _ARC])
    return outline.view(np.float64).reshape(-1, 2)


def _disc(centre: _Joint, across: float, up: float | None = None) -> Points:
    outline: Points = _RING * (across, up or across) + centre
    return outline
