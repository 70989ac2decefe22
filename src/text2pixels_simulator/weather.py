"""What the air and the light do in each condition: drawn once per scene, read by everything else."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

CONDITIONS = ("day", "night", "fog", "glare", "smoke")


@dataclass(frozen=True)
class Weather:
    """The air and the light of one scene.

    Attributes:
        condition: one of `CONDITIONS`.
        night: no sun; lamps are lit.
        celsius: air temperature.
        sun: unit vector towards the sun (X, Y, Z), None where there is no direct sun.
        extinction: of the air, in 1/m, for the visible camera; ``extinction_infrared`` for the other.
        overcast: share of the sky in cloud.
    """

    condition: str
    night: bool
    celsius: float
    sun: tuple[float, float, float] | None
    extinction: float
    extinction_infrared: float
    overcast: float

    def shade(self, normal: tuple[float, float, float]) -> float:
        """Return the relative irradiance of a surface in the open, about 1 for one that is well lit."""
        if self.sun is None:
            return 0.72 + 0.28 * normal[1]
        direct = max(0.0, normal[0] * self.sun[0] + normal[1] * self.sun[1] + normal[2] * self.sun[2])
        return 0.42 + 0.1 * normal[1] + 0.75 * direct


def draw_weather(rng: Generator, condition: str) -> Weather:
    """Draw the weather of a scene."""
    night = {"day": False, "night": True}.get(condition, bool(rng.random() < (0.5 if condition == "glare" else 0.25)))
    azimuth, elevation = rng.uniform(-2.6, 2.6), np.radians(rng.uniform(25, 60))
    if condition == "glare" and not night:
        azimuth, elevation = rng.uniform(-0.2, 0.2), np.radians(rng.uniform(3, 9))
    sun = (
        float(np.sin(azimuth) * np.cos(elevation)),
        float(np.sin(elevation)),
        float(np.cos(azimuth) * np.cos(elevation)),
    )
    overcast = float(rng.uniform(0.9, 1.0)) if condition == "fog" else float(rng.uniform(0, 0.8))
    direct = not night and condition != "fog" and (overcast < 0.6 or condition == "glare")
    return Weather(
        condition=condition,
        night=night,
        celsius=float(rng.uniform(0, 15) if night else rng.uniform(3, 16)),
        sun=sun if direct else None,
        extinction=float(rng.uniform(0.09, 0.19)) if condition == "fog" else float(rng.uniform(0.0006, 0.0025)),
        extinction_infrared=float(rng.uniform(0.006, 0.014)) if condition == "fog" else 0.0015,
        overcast=overcast,
    )
