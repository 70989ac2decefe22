"""The embedded data set: what the simulator draws, declared like the others."""

import json
from collections.abc import Iterator
from pathlib import Path

from text2pixels import config
from text2pixels.datasets.adapter import Adapter, Candidate, Labels
from text2pixels.datasets.intake import Outcome, Rules, recall, remember, store
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


def candidates(simulator: config.Simulator) -> Iterator[Candidate]:
    """Yield every pair of the set, by name, before any is drawn."""
    from text2pixels_simulator import announce, splits

    found = []
    for split, index in splits(simulator):
        name, time_of_day = announce(index, simulator.seed)
        found.append(Candidate(name, None, None, split=split, scene=str(index), time_of_day=time_of_day))
    yield from sorted(found, key=lambda candidate: candidate.name)


def draw(candidate: Candidate, simulator: config.Simulator, rules: Rules) -> Outcome:
    """Draw one pair and bring it in; one that is in already is only looked up."""
    row = Path(rules.folder) / "rows" / f"{candidate.name}.json"
    known = recall(row, [], rules)  # the folder bears the fingerprint of the parameters and the program
    if known is not None:
        return known
    from text2pixels_simulator import simulate

    assert candidate.scene is not None
    scene = simulate(
        int(candidate.scene),
        width=simulator.width,
        height=simulator.height,
        seed=simulator.seed,
        misalign=simulator.misalign,
    )
    labels = Labels(tuple(scene.boxes), simulator.width, simulator.height)
    outcome = store(candidate.name, scene.infrared, scene.visible, labels, rules)
    remember(row, [], outcome)
    return outcome


def write_truth(simulator: config.Simulator, folder: Path) -> None:
    """Write ``homographies.json``: the true 3x3 matrices, infrared to visible, pixels to pixels, by name."""
    from text2pixels_simulator import announce, splits, true_homography

    truth = {}
    for _, index in splits(simulator):
        matrix = true_homography(
            index,
            width=simulator.width,
            height=simulator.height,
            seed=simulator.seed,
            misalign=simulator.misalign,
        )
        truth[announce(index, simulator.seed)[0]] = matrix.tolist()
    with whole_file(folder / "homographies.json") as aside:
        aside.write_text(json.dumps(truth, indent=1, sort_keys=True))
