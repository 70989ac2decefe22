"""The embedded data set: what the simulator draws, declared like the others."""

from collections.abc import Iterator

from text2pixels import config
from text2pixels.data.adapter import Adapter, Candidate, Labels
from text2pixels.data.intake import Outcome, Rules, store

SIMULATOR = Adapter(
    name="simulator",
    title="simulated street scenes",
    licence="AGPL-3.0-only, as the program that draws them",
    citation="text2pixels, data/simulator",
    home="in the package",
    classes={name: name for name in ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")},
    embedded=True,
)


def outcomes(simulator: config.Simulator, rules: Rules) -> Iterator[tuple[Candidate, Outcome]]:
    """Draw every pair and bring it in, in the order of the names."""
    from text2pixels.data.simulator import pairs

    for split, scene in pairs(simulator):
        candidate = Candidate(scene.name, None, None, split=split, time_of_day=scene.time_of_day)
        height, width = scene.visible.shape[:2]
        labels = Labels(tuple(scene.boxes), width, height)
        yield candidate, store(scene.name, scene.infrared, scene.visible, labels, rules)
