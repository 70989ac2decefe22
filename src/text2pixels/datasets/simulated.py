"""The embedded data set: what the simulator draws, declared like the others.

Options of the source (all can be left out; a data set of any name may have its own)::

    datasets:
      night:
        path: src/text2pixels_simulator   # DVC watches the program that draws
        aligned: true
        options:
          adapter: simulator
          train: 96        # pairs in each split
          val: 12
          test: 24
          width: 320       # pixels
          height: 256
          misalign: 0.0    # most displacement of the infrared frame's corners, share of the diagonal
          seed: 0
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from text2pixels.datasets.adapter import Adapter, Candidate, Labels
from text2pixels.datasets.intake import Rules, Verdict, recall, remember, store
from text2pixels.errors import InputError
from text2pixels.files import whole_file

_SIDES = (48, 4096)  # pixels: in smaller frames no object is visible, and a larger one fills a machine's memory
_MOST_PAIRS = 1_000_000
_MOST_MISALIGN = 0.2  # of the diagonal; with more the two frames share too little


@dataclass(frozen=True)
class Simulator:
    """What is drawn: pairs per split, the frame in pixels, misalignment as a share of its diagonal, the seed."""

    train: int = 96
    val: int = 12
    test: int = 24
    width: int = 320
    height: int = 256
    misalign: float = 0.0
    seed: int = 0

    @property
    def pairs(self) -> int:
        """Number of pairs in all."""
        return self.train + self.val + self.test


SIMULATOR = Adapter(
    name="simulator",
    title="simulated street scenes",
    licence="AGPL-3.0-only, as the program that draws them",
    citation="drawn by text2pixels itself, whose CITATION.cff says how to cite it",
    home="it comes with the package",
    classes={name: name for name in ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")},
    split="published",
    options=tuple(entry.name for entry in fields(Simulator)),
    embedded=True,
)


def settings_of(adapter: Adapter, options: Mapping[str, Any]) -> Simulator:
    """Return the settings in a source's options, defaults where it has none.

    Raises:
        InputError: a value of another type or out of range, or not one pair; the line names the option.
    """
    settings = Simulator(**{key: value for key, value in options.items() if key in adapter.options})
    bounds = dict.fromkeys(("train", "val", "test"), (0, _MOST_PAIRS)) | dict.fromkeys(("width", "height"), _SIDES)
    for key, value in vars(settings).items():
        where = f"datasets.{adapter.name}.options.{key}"
        if key == "misalign":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_MISALIGN:
                raise InputError(f"{where}: expected a share from 0 to {_MOST_MISALIGN}, found {value!r}")
            continue
        low, high = bounds.get(key, (0, 2**63 - 1))
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{where}: expected a whole number from {low} to {high}, found {value!r}")
    if not settings.pairs:
        raise InputError(f"datasets.{adapter.name}.options.train: train, val and test are 0; at least one pair")
    return settings


def candidates(settings: Simulator) -> Iterator[Candidate]:
    """Yield every pair of the set, by name, before any is drawn."""
    from text2pixels_simulator import announce, splits

    found = []
    for split, index in splits(settings.train, settings.val, settings.test):
        name, time_of_day = announce(index, settings.seed)
        found.append(Candidate(name, None, None, split=split, scene=str(index), time_of_day=time_of_day))
    yield from sorted(found, key=lambda candidate: candidate.name)


def draw(candidate: Candidate, settings: Simulator, rules: Rules) -> Verdict:
    """Draw one pair and take it in; for a pair that an earlier run has taken in, return its verdict."""
    row = Path(rules.folder) / "rows" / f"{candidate.name}.json"
    known = recall(row, [], rules)  # the folder bears the fingerprint of the settings and the program
    if known is not None:
        return known
    from text2pixels_simulator import simulate

    assert candidate.scene is not None
    scene = simulate(
        int(candidate.scene),
        width=settings.width,
        height=settings.height,
        seed=settings.seed,
        misalign=settings.misalign,
    )
    labels = Labels(tuple(scene.boxes), settings.width, settings.height)
    verdict = store(candidate.name, scene.infrared, scene.visible, labels, rules)
    remember(row, [], verdict)
    return verdict


def write_truth(settings: Simulator, folder: Path) -> None:
    """Write ``homographies.json``: the true 3x3 matrices, infrared to visible, pixels to pixels, by name."""
    from text2pixels_simulator import announce, splits, true_homography

    truth = {}
    for _, index in splits(settings.train, settings.val, settings.test):
        matrix = true_homography(
            index, width=settings.width, height=settings.height, seed=settings.seed, misalign=settings.misalign
        )
        truth[announce(index, settings.seed)[0]] = matrix.tolist()
    with whole_file(folder / "homographies.json") as aside:
        aside.write_text(json.dumps(truth, indent=1, sort_keys=True))
