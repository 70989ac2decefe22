"""The training loop: bilevel training of the fusion network and the detector, from top to bottom.

A run is a function of its seed, parameters, code and data. Its state is saved after every epoch,
and what a step sees depends on its number alone, so a run that was killed ends as it would have.
"""

import copy
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from text2pixels.config import Losses, Train
from text2pixels.detection.precision import mean_precision_50
from text2pixels.detection.yolo import STRIDE, Detector
from text2pixels.errors import InputError
from text2pixels.image.views import View, central_view, random_view
from text2pixels.network.network import FusionNetwork
from text2pixels.progress import bar, console, report
from text2pixels.registry import look_up
from text2pixels.training import state as resumable
from text2pixels.training.augmentation import augment
from text2pixels.training.bilevel import STRATEGIES, Level, Problem, Record, lower_step
from text2pixels.training.history import Row
from text2pixels.training.objective import Objective
from text2pixels.training.pairs import TrainingPair, batches, usual_lead
from text2pixels.training.parallel import World, average, same_start, same_statistics

# The second moment forgets in a hundred steps: along the directions in which f + g is flat, the
# gradient that is left is the upper level's small one, and with 0.999 its steps would stay as small
# as the early gradients were large (tests/training/test_bilevel.py).
_BETAS = (0.9, 0.99)
# Steps over which the learning rates rise: at full rate from the start, the first steps drive all
# tokens to two or three codes.
_WARM_UP = 50
# Streams of random numbers; 0 and 1 are the order of the pairs, 3 is the text's.
_VIEWS, _AUGMENTATION = 2, 4
_DIVERGED = 10.0  # times the first epoch's loss


@dataclass(frozen=True)
class Data:
    """What a run trains and validates on."""

    train: Sequence[TrainingPair]
    val: Sequence[TrainingPair]

    @property
    def labelled(self) -> list[TrainingPair]:
        """The training pairs that the detector may see."""
        return [item for item in self.train if item.pair.labelled]


@dataclass
class Best:
    """The epoch of the least validation loss of the lower level, and the weights it left.

    Where the detector learns after the fusion network, its weights are the last ones: it learns on the pictures of the
    network that is kept.
    """

    epoch: int
    score: float
    network: dict[str, torch.Tensor]
    detector: dict[str, torch.Tensor]


@dataclass
class Trained:
    """A finished run; the network and the detector that were given hold the last weights."""

    best: Best
    history: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Schedule:
    """Which pairs each step sees.

    Attributes:
        uppers: for every step of the run, whether it is an upper one.
        numbers: for every step, how many of its kind go before it.
        per_epoch: steps in an epoch.
        pairs: training pairs of a lower step.
        labelled: training pairs of an upper step.
        batch: pairs of a step.
        seed: of the orders in which pairs come.
    """

    uppers: list[bool]
    numbers: list[int]
    per_epoch: int
    pairs: int
    labelled: int
    batch: int
    seed: int

    @classmethod
    def of(cls, data: Data, settings: Train, seed: int) -> "Schedule":
        """Return the schedule: an epoch has as many steps as see every pair once, and about its share of upper ones."""
        lower = math.ceil(len(data.train) / settings.batch)
        labelled = len(data.labelled)
        per_epoch = lower + (max(1, round(lower / settings.lower_steps)) if labelled else 0)
        steps = settings.epochs * per_epoch
        strategy = look_up(STRATEGIES, settings.strategy, "strategy")
        uppers = [labelled > 0 and strategy.is_upper(step, steps, settings.lower_steps) for step in range(steps)]
        above = list(accumulate(uppers, initial=0))
        numbers = [above[step] if upper else step - above[step] for step, upper in enumerate(uppers)]
        return cls(uppers, numbers, per_epoch, len(data.train), labelled, settings.batch, seed)

    def begins_above(self, step: int) -> bool:
        """Tell whether this is the first upper step."""
        return self.uppers[step] and self.numbers[step] == 0

    def indices(self, step: int) -> list[int]:
        """Return the step's indices into the training pairs, or into the labelled ones where it is an upper step."""
        count, stream = (self.labelled, 1) if self.uppers[step] else (self.pairs, 0)
        number, per_round = self.numbers[step], math.ceil(count / self.batch)
        order = np.random.default_rng([self.seed, stream, number // per_round]).permutation(count)
        start = number % per_round * self.batch
        # The last batch of a round is filled up from the round's beginning.
        return [int(order[(start + place) % count]) for place in range(self.batch)]


def train(
    network: FusionNetwork,
    detector: Detector,
    data: Data,
    losses: Losses,
    settings: Train,
    *,
    seed: int,
    device: torch.device,
    world: World,
    cache: Path,
    fingerprint: str,
    description: str = "train",
) -> Trained:
    """Train in place, resuming from ``cache`` where the same run was interrupted.

    Raises:
        InputError: settings that cannot be; a loss that is no longer finite, or diverges. The last
            good state then stays in ``cache``.
    """
    _check(data, settings, world)
    strategy = STRATEGIES[settings.strategy]
    schedule = Schedule.of(data, settings, seed)
    if settings.epochs:
        network.usual_lead.fill_(usual_lead(data.train))
    network.to(device)
    detector.to(device)
    for module in (network, detector.network):
        same_start(module)
    objective = Objective(network, detector, losses, bf16=device.type == "cuda" and torch.cuda.is_bf16_supported())
    parameters, own = list(network.parameters()), detector.parameters()
    fusion = Level(parameters, torch.optim.Adam(parameters, lr=settings.learning_rate, betas=_BETAS))
    detection = Level(own, torch.optim.Adam(own, lr=settings.detector_rate, betas=_BETAS))
    problem = Problem(objective.losses, objective.frozen_upper, fusion, detection, settings.clip)
    labelled = data.labelled
    val = [(item, central_view(item.pair.width, item.pair.height, STRIDE)) for item in data.val]

    parts: resumable.Parts = {
        "network": network,
        "detector": detector.network,
        "fusion_optimizer": fusion.optimizer,
        "detector_optimizer": detection.optimizer,
    }
    begun = Best(0, math.inf, _copy(network), _copy(detector.network))  # the best where no epoch follows
    outcome, first_epoch = Trained(begun), 0
    saved = resumable.load(cache, fingerprint, parts)
    if saved is not None:
        first_epoch = saved.progress["epoch"]
        outcome = Trained(Best(**saved.progress["best"]), saved.history)
        if world.leads:
            console.print(f"{description}: resumes after epoch {first_epoch} of {settings.epochs} ({cache})")

    with bar() as progress:
        total = settings.epochs * schedule.per_epoch
        done = first_epoch * schedule.per_epoch
        task = progress.add_task(description, total=total, completed=done, note="", visible=world.leads)
        for epoch in range(first_epoch, settings.epochs):
            began = time.monotonic()
            weight = strategy.weight(settings.upper_weight, settings.upper_decay, epoch)
            objective.begin_epoch(first=epoch == 0)

            steps = range(epoch * schedule.per_epoch, (epoch + 1) * schedule.per_epoch)
            plans = [
                _plan(step, schedule, labelled if schedule.uppers[step] else data.train, settings, world)
                for step in steps
            ]
            records: defaultdict[str, list[float]] = defaultdict(list)
            for step, crops in zip(steps, batches(plans), strict=True):
                if strategy.fusion_first and schedule.begins_above(step) and outcome.best.epoch:
                    network.load_state_dict(outcome.best.network)
                if settings.augment:
                    crops = augment(crops, settings.augment, _rngs(step, schedule, world, _AUGMENTATION))
                batch = crops.to(device)
                for level, rate in ((fusion, settings.learning_rate), (detection, settings.detector_rate)):
                    for group in level.optimizer.param_groups:
                        group["lr"] = rate * settings.decay**epoch * min(1.0, (step + 1) / _WARM_UP)
                record = (
                    strategy.upper_step(problem, batch, weight) if schedule.uppers[step] else lower_step(problem, batch)
                )
                _assert_finite(record, epoch, settings, cache, saved is not None or epoch > 0)
                for name, value in (record | objective.record).items():
                    records[name].append(value)
                note = f"epoch {epoch + 1}/{settings.epochs} lower {record.get('lower', math.nan):.3f}"
                progress.update(task, advance=1, note=note)

            same_statistics(network)
            rows = _rows(epoch, records, weight, fusion)
            scores, precision = _validate(objective, val, device, bool(labelled))
            rows += [Row(epoch + 1, level, "validation_loss", value) for level, value in scores.items()]
            rows += [] if precision is None else [Row(epoch + 1, "upper", "validation_AP50", precision)]
            outcome.history += rows
            _assert_converging(outcome.history, epoch, settings, cache)
            # The upper level's loss has no say: on a few pairs with boxes it goes up and down by as much as it ever
            # falls, and would choose an epoch by chance. Without validation pairs the last epoch is the best.
            score = scores["lower"] if scores else -float(epoch)
            if score < outcome.best.score:
                outcome.best = Best(epoch + 1, score, _copy(network), _copy(detector.network))
            elif strategy.fusion_first:
                outcome.best.detector = _copy(detector.network)
            if world.leads:
                best = vars(outcome.best)
                resumable.save(cache, fingerprint, parts, outcome.history, epoch=epoch + 1, best=best)
                told = {f"{row.level} loss": row.value for row in rows if row.name == "loss"}
                told |= {f"validation {level}": value for level, value in scores.items()}
                told |= {} if precision is None else {"validation AP50": precision}
                report(description, "epoch", epoch + 1, settings.epochs, told, time.monotonic() - began)
    return outcome


def _check(data: Data, settings: Train, world: World) -> None:
    if not data.train:
        raise InputError("train: no training pairs: the data sets of train.datasets have none in the split 'train'")
    if not data.labelled and settings.strategy != "separate":
        raise InputError(
            f"train: strategy '{settings.strategy}' needs pairs with boxes, and train.datasets has none in the "
            "split 'train'; set train.strategy to separate, which then trains the fusion network alone"
        )
    if settings.crop % STRIDE or settings.crop < STRIDE:
        raise InputError(f"train: crop is {settings.crop}, expected a multiple of {STRIDE}")
    if settings.batch % world.size:
        raise InputError(f"train: a batch of {settings.batch} does not divide by {world.size} processes")
    if min(settings.batch, settings.lower_steps) < 1:
        raise InputError("train: batch and lower_steps should be at least 1")
    if settings.epochs < 1 and settings.start is None:
        raise InputError("train: without epochs there is nothing but random weights: set train.start, or epochs")


def _plan(
    step: int, schedule: Schedule, pairs: Sequence[TrainingPair], settings: Train, world: World
) -> list[tuple[TrainingPair, View]]:
    """Return this process's share of a step: every size-th place of the batch."""
    items = [pairs[index] for index in schedule.indices(step)[world.rank :: world.size]]
    rngs = _rngs(step, schedule, world, _VIEWS)
    return [
        (item, random_view(item.pair.width, item.pair.height, settings.crop, rng))
        for item, rng in zip(items, rngs, strict=True)
    ]


def _rngs(step: int, schedule: Schedule, world: World, stream: int) -> list[np.random.Generator]:
    """Return random numbers for each of this process's places in a step's batch."""
    places = range(schedule.batch)[world.rank :: world.size]
    return [np.random.default_rng([schedule.seed, stream, step, place]) for place in places]


def _validate(
    objective: Objective, val: list[tuple[TrainingPair, View]], device: torch.device, upper: bool
) -> tuple[dict[str, float], float | None]:
    """Return the mean losses over the validation pairs, by level, and the detector's AP50 where there are boxes.

    Every process computes the same.
    """
    losses: defaultdict[str, list[float]] = defaultdict(list)
    truth, found = {}, {}
    plans = [[pair] for pair in val]
    for (item, _), crops in zip(val, batches(plans), strict=True):
        batch = crops.to(device)
        lower, detection, detected = objective.evaluate(batch, upper and item.pair.labelled)
        losses["lower"].append(lower)
        if detection is not None:
            losses["upper"].append(detection)
            truth[item.pair.pair_id], found[item.pair.pair_id] = batch.boxes[0], detected[0]
    return {level: float(np.mean(values)) for level, values in losses.items()}, mean_precision_50(truth, found)


def _rows(epoch: int, records: dict[str, list[float]], weight: float, fusion: Level) -> list[Row]:
    """Return the epoch's means, averaged over processes."""
    names = sorted(records)
    means = torch.tensor([float(np.mean(records[name])) for name in names], dtype=torch.float64)
    if fusion.parameters[0].is_cuda:
        means = means.cuda()
    (means,) = average([means])
    rows = []
    for name, value in zip(names, means.tolist(), strict=True):
        level, _, rest = name.partition("_") if name.startswith(("lower", "upper")) else ("lower", "", name)
        if name in ("cosine", "detector_gradient"):
            level = "upper"
        rows.append(Row(epoch + 1, level, {"": "loss", "gradient": "gradient_norm"}.get(rest, rest), value))
    rows.append(Row(epoch + 1, "upper", "weight", weight))
    rows.append(Row(epoch + 1, "lower", "learning_rate", fusion.optimizer.param_groups[0]["lr"]))
    return rows


def _assert_finite(record: Record, epoch: int, settings: Train, cache: Path, kept: bool) -> None:
    # Gradients are averaged over processes before this, so all processes stop at the same step.
    broken = [name for name, value in record.items() if not math.isfinite(value)]
    if broken:
        raise InputError(_stopped(f"{broken[0]} became {record[broken[0]]}", epoch, settings, cache, kept))


def _assert_converging(history: Sequence[Row], epoch: int, settings: Train, cache: Path) -> None:
    values = [row.value for row in history if (row.level, row.name) == ("lower", "loss")]
    if values and values[-1] > _DIVERGED * values[0]:
        what = f"the lower level's loss grew from {values[0]:.3g} to {values[-1]:.3g}"
        raise InputError(_stopped(what, epoch, settings, cache, True))


def _stopped(what: str, epoch: int, settings: Train, cache: Path, kept: bool) -> str:
    where = f"; the state after epoch {epoch} is kept in {cache}" if kept else ""
    return f"train: {what} in epoch {epoch + 1}{where}; lower train.learning_rate (now {settings.learning_rate})"


def _copy(module: torch.nn.Module) -> dict[str, Any]:
    return {name: value.detach().cpu().clone() for name, value in copy.copy(module.state_dict()).items()}
