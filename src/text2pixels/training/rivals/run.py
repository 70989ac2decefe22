"""The loop that trains another method's network again: from patches to weights, resumable like our own training."""

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from text2pixels.datasets.manifest import Pair
from text2pixels.errors import InputError
from text2pixels.progress import console, report
from text2pixels.training import state as resumable
from text2pixels.training.history import Row
from text2pixels.training.rivals.patches import PatchReader
from text2pixels.training.rivals.recipe import Budget, Patches, Recipe

LEVEL = "retraining"  # of the rows of the history
_SECTIONS = 50  # of a run; the state is saved, a line printed and a point of the curves made after each


@dataclass
class Retrained:
    """A finished run.

    Attributes:
        weights: State of the network that fuses.
        history: For each of the sections of the run, of which there are 50 or fewer, the mean of each loss; the
            column ``epoch`` counts the sections.
    """

    weights: dict[str, Tensor]
    history: list[Row]


def retrain(
    recipe: Recipe,
    budget: Budget,
    pairs: Sequence[tuple[Path, Pair]],
    *,
    seed: int,
    device: torch.device,
    cache: Path,
    fingerprint: str,
    description: str = "retrain",
) -> Retrained:
    """Train from the start, or from where the same run was interrupted.

    Args:
        recipe: Of the network.
        budget: How much of the authors' schedule.
        pairs: To train on, each with the folder that its paths are relative to.
        seed: Of weights and patches.
        device: Where.
        cache: Folder of the run's state.
        fingerprint: Of all that the result depends on; see `closure.fingerprint`.
        description: For lines of progress.

    Raises:
        InputError: no pairs, or a loss that is no longer finite. The last good state then stays in ``cache``.
    """
    if not pairs:
        raise InputError(f"{description}: no training pairs: the data sets of train.datasets have none in 'train'")
    torch.manual_seed(seed)
    rival = recipe.start(budget, device)
    first, history = 0, list[Row]()
    saved = resumable.load(cache, fingerprint, rival.parts())
    if saved is not None:
        first, history = saved.progress["step"], saved.history
        console.print(f"{description}: resumes after step {first:,} of {budget.steps:,} ({cache})")
    every = max(1, math.ceil(budget.steps / _SECTIONS))
    records: defaultdict[str, list[float]] = defaultdict(list)
    begun = time.perf_counter()
    for number, patches in enumerate(PatchReader(pairs, recipe, budget, seed).batches(first), start=first):
        for name, value in rival.step(_on(patches, device), number).items():
            if not math.isfinite(value):
                raise InputError(
                    f"{description}: {name} became {value} in step {number + 1:,} of {budget.steps:,}; the state "
                    f"before it is in {cache}; another seed may do better"
                )
            records[name].append(value)
        done = number + 1
        if done % every and done < budget.steps:
            continue
        section = math.ceil(done / every)
        means = {name: sum(values) / len(values) for name, values in records.items()}
        history += [Row(section, LEVEL, name, value) for name, value in means.items()]
        records.clear()
        resumable.save(cache, fingerprint, rival.parts(), history, step=done)
        seconds = (time.perf_counter() - begun) / (done - first)
        report(description, "step", done, budget.steps, means, seconds)
    return Retrained({name: value.detach().cpu() for name, value in rival.weights().items()}, history)


def _on(patches: Patches, device: torch.device) -> Patches:
    return Patches(
        patches.infrared_B1HW.to(device),
        patches.luminance_B1HW.to(device),
        patches.visible_B3HW.to(device),
        None if patches.third_B1HW is None else patches.third_B1HW.to(device),
    )
