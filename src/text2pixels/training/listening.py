"""The last part of training: what the prompt does, learned by the parts that read it, while all else stays.

Bilevel training settles what the picture is without text, and begins to ground attention. What a phrase then does to
the picture is learned here, with attention that goes on learning, at a fraction of the cost, because no gradient
passes through the rest of the network. So the picture without text is, bit for bit, that of bilevel training.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from text2pixels.config import Train
from text2pixels.errors import InputError
from text2pixels.image.views import View, random_view
from text2pixels.network.network import FusionNetwork
from text2pixels.progress import bar, console
from text2pixels.training import state as resumable
from text2pixels.training.guidance import shown
from text2pixels.training.history import Row
from text2pixels.training.loop import Data
from text2pixels.training.objective import Objective
from text2pixels.training.pairs import TrainingPair, batches

_BETAS = (0.9, 0.99)
_WARM_UP = 50  # steps over which the learning rate rises
_KEPT = 100  # steps from one saved state to the next
_STREAM = 3  # of random numbers: bilevel training has 0 to 2


def listen(
    network: FusionNetwork,
    objective: Objective,
    data: Data,
    settings: Train,
    *,
    seed: int,
    device: torch.device,
    cache: Path,
    fingerprint: str,
    description: str,
) -> list[Row]:
    """Train in place what reads the prompt, resuming from ``cache`` where the same run was interrupted.

    Args:
        network: as bilevel training left it; in evaluation mode afterwards.
        objective: its losses; `Objective.of_the_prompt` is what is asked.
        data: its labelled training pairs are used, at random crops.
        settings: ``text_steps``, ``batch``, ``crop`` and ``learning_rate``, which falls to 0 as a cosine.
        seed: of the run.
        device: where the network is.
        cache: folder of the saved state.
        fingerprint: of the run.
        description: for the progress bar.

    Returns:
        The losses' means over every ``_KEPT`` steps, as rows of level "text", whose epoch counts steps.

    Raises:
        InputError: a loss that is no longer finite.
    """
    own, labelled = network.listening(), data.labelled
    if not own or not labelled:
        return []
    network.to(device).eval().requires_grad_(False)
    for parameter in own:
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(own, lr=settings.learning_rate, betas=_BETAS)
    first, history = 0, []
    saved = resumable.load(cache, fingerprint)
    if saved is not None:
        first, history = saved["step"], [Row(*row) for row in saved["history"]]
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        console.print(f"{description}: resumes after step {first} of {settings.text_steps} ({cache})")
    with bar() as progress:
        task = progress.add_task(description, total=settings.text_steps, completed=first, note="")
        for begin in range(first, settings.text_steps, _KEPT):
            steps = range(begin, min(begin + _KEPT, settings.text_steps))
            plans = [_plan(step, labelled, settings, seed) for step in steps]
            records: defaultdict[str, list[float]] = defaultdict(list)
            for step, crops in zip(steps, batches(plans, data.tokens), strict=True):
                falling = (1 + math.cos(math.pi * step / settings.text_steps)) / 2
                rate = settings.learning_rate * falling * min(1.0, (step + 1) / _WARM_UP)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                losses = objective.of_the_prompt(crops.to(device))
                if losses:
                    total = torch.stack([weight * loss for weight, loss in losses.values()]).sum()
                    _assert_finite(total, step, settings)
                    gradients = torch.autograd.grad(total, own, allow_unused=True)
                    for parameter, gradient in zip(own, gradients, strict=True):
                        parameter.grad = gradient
                    torch.nn.utils.clip_grad_norm_(own, settings.clip)
                    optimizer.step()
                for name, (_, loss) in losses.items():
                    records[name].append(loss.item())
                progress.update(task, advance=1)
            history += [Row(steps.stop, "text", name, float(np.mean(values))) for name, values in records.items()]
            state = {"step": steps.stop, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
            resumable.save(cache, fingerprint, state | {"history": [tuple(row) for row in history]})
    network.requires_grad_(True)
    return history


def _plan(step: int, pairs: Sequence[TrainingPair], settings: Train, seed: int) -> list[tuple[TrainingPair, View]]:
    """Return what a step sees: pairs in random order, each at a random crop and under random phrases."""
    per_round = math.ceil(len(pairs) / settings.batch)
    order = np.random.default_rng([seed, _STREAM, step // per_round]).permutation(len(pairs))
    begin, seen = step % per_round * settings.batch, []
    for place in range(settings.batch):
        item = pairs[int(order[(begin + place) % len(pairs)])]
        rng = np.random.default_rng([seed, _STREAM, step, place])
        item = replace(item, phrases=shown(item.phrases, item.pair.boxes, rng))
        seen.append((item, random_view(item.pair.width, item.pair.height, settings.crop, rng)))
    return seen


def _assert_finite(total: Tensor, step: int, settings: Train) -> None:
    if not torch.isfinite(total):
        raise InputError(
            f"train: the losses of the prompt became {total.item()} in step {step + 1}; lower train.learning_rate "
            f"(now {settings.learning_rate})"
        )
