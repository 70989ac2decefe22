"""The embedded data set: what the simulator draws, declared like the others."""

import json
from collections.abc import Iterator
from pathlib import Path

from text2pixels import config
from text2pixels.data.adapter import Adapter, Candidate, Labels
from text2pixels.data.intake import Outcome, Rules, store
from text2pixels.files import whole_file

SIMULATOR = Adapter(
    name="simulator",
    title="simulated street scenes",
    licence="AGPL-3.0-only, as the program that draws them",
    citation="text2pixels, data/simulator",
    home="in the package",
    classes={name: name for name in ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")},
    split="published",
    embedded=True,
)


def outcomes(simulator: config.Simulator, rules: Rules) -> Iterator[tuple[Candidate, Outcome]]:
    """Draw every pair and bring it in.

    Where the infrared is misaligned, ``homographies.json`` in the folder holds the true 3x3 matrices,
    infrared to visible, pixels to pixels, by name.
    """
    from text2pixels.data.simulator import pairs

    truth = {}
    for split, scene in pairs(simulator):
        truth[scene.name] = scene.homography.tolist()
        candidate = Candidate(scene.name, None, None, split=split, time_of_day=scene.time_of_day)
        height, width = scene.visible.shape[:2]
        labels = Labels(tuple(scene.boxes), width, height)
        yield candidate, store(scene.name, scene.infrared, scene.visible, labels, rules)
    if simulator.misalign:
        with whole_file(Path(rules.folder) / "homographies.json") as aside:
            aside.write_text(json.dumps(truth, indent=1, sort_keys=True))
