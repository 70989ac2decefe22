"""The second part of training: what a prompt does, learned by the parts that read it, while all else stays.

Bilevel training settles the picture without text. What a phrase does to it is learned here, from the boxes of labelled
pairs: which tokens are of its objects (grounding), and that those stand out while all else stays (guidance). No
gradient passes through the rest of the network, so the picture without text is, bit for bit, that of bilevel training.

Most crops of a street show no object, and some classes are rare. So crops are cut around objects, and a class counts by
the root of the pairs that show it.

Shapes: B batch; T phrases; K classes; H, W image; h, w token grid; S = T + 1 with the null token last.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache as cache_calls
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from text2pixels.config import Losses, Train
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.views import View, central_view, random_view
from text2pixels.network.description import STRIDE
from text2pixels.network.losses import grounding_loss, guidance_loss
from text2pixels.network.network import FusionNetwork
from text2pixels.progress import bar, console, report
from text2pixels.prompts.phrases import Noun, by_noun, noun
from text2pixels.training import state as resumable
from text2pixels.training.augmentation import noisy, other_cameras
from text2pixels.training.guidance import Named, cover, emphasised, prompt
from text2pixels.training.history import Row
from text2pixels.training.objective import of_crops
from text2pixels.training.pairs import Crops, Tokens, TrainingPair, batches, mirrored

LEVEL = "text"  # of the rows of the history
_BETAS = (0.9, 0.99)
_DECAY = 0.01  # of the weights
_WARM_UP = 50  # steps over which the learning rate rises
_SECTION = 100  # steps; the state is saved and a point of the curves made after each
_STREAM = 3  # of random numbers: training/loop.py has others
_AROUND_OBJECTS = 0.8  # of the crops
_SCALES = (0.6, 1.8)  # of these: objects near and far
_MIDDLE = (0.2, 0.8)  # of a crop's sides, where the middle of the object comes to lie
# Of what phrases learned to do to details, the share that is kept. All of it costs .011 of VIF under a prompt on
# validation pairs, this .004; whoever wants more gives a phrase a weight.
_QUIETER = 0.4


class _Pairs(NamedTuple):
    """What text is learned from: labelled pairs, their classes, and the places (pair, box) of each class."""

    items: Sequence[TrainingPair]
    classes: list[Noun]
    places: list[list[tuple[int, Box]]]
    chances: list[float]  # of each class


def learn_text(
    network: FusionNetwork,
    train: Sequence[TrainingPair],
    val: Sequence[TrainingPair],
    tokens: Tokens,
    losses: Losses,
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
        network: as bilevel training left it; where it learned, in evaluation mode on the CPU afterwards.
        train: pairs; the labelled ones with boxes are used.
        val: pairs; the record has their grounding, too.
        tokens: encodes prompts.
        losses: the weights ``grounding`` and ``guidance``.
        settings: ``text_steps``, ``text_rate``, ``batch``, ``crop``, ``clip``.
        seed: of the run.
        device: where to train.
        cache: folder of the run's state.
        fingerprint: of all that the result depends on; see `closure.fingerprint`.
        description: for lines of progress.

    Returns:
        The losses' means over every ``_SECTION`` steps, as rows of level "text", whose epoch counts steps. None where
        there is nothing to learn: no part that reads, no box, no steps, no fine prompts. A prompt then does what it did
        in the network that training began with, or, if that was random, nothing.

    Raises:
        InputError: a loss that is no longer finite.
    """
    known = cache_calls(lambda phrase: bool(tokens([[phrase]])[1].any()))
    own, pairs = network.text_parameters(), _of(train, known)
    # Coarse prompts name no objects, so nothing is learned of them either.
    if not own or not pairs.classes or not settings.text_steps or settings.prompts != "fine":
        if own and settings.start is None:
            # What was never learned changes nothing, instead of something at random.
            for parameter in network.lift.parameters():
                nn.init.zeros_(parameter)
        return []
    if settings.start is not None:
        _scale_details(network, 1 / _QUIETER)  # it was made quieter when it had learned, or it would be so twice
    network.to(device).eval().requires_grad_(False)
    torch.manual_seed(seed)
    # What helps the recogniser to learn, and is left out afterwards: a classifier of tokens.
    classifier = nn.Linear(network.recogniser.to_eighth.out_channels, len(pairs.classes) + 1).to(device)
    own += list(classifier.parameters())
    for parameter in own:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(own, lr=settings.text_rate, betas=_BETAS, weight_decay=_DECAY)
    parts: resumable.Parts = {"network": network, "classifier": classifier, "optimizer": optimizer}
    first, history = 0, list[Row]()
    saved = resumable.load(cache, fingerprint, parts)
    if saved is not None:
        first, history = saved.progress["step"], saved.history
        console.print(f"{description}: resumes after step {first} of {settings.text_steps} ({cache})")
    with bar() as progress:
        task = progress.add_task(description, total=settings.text_steps, completed=first, note="")
        for begin in range(first, settings.text_steps, _SECTION):
            steps = range(begin, min(begin + _SECTION, settings.text_steps))
            plans = [[_view(pairs, settings, seed, step, place) for place in range(settings.batch)] for step in steps]
            records: defaultdict[str, list[float]] = defaultdict(list)
            began = time.monotonic()
            for step, plan, crops in zip(steps, plans, batches(plans), strict=True):
                falling = (1 + math.cos(math.pi * step / settings.text_steps)) / 2
                for group in optimizer.param_groups:
                    group["lr"] = settings.text_rate * falling * min(1.0, (step + 1) / _WARM_UP)
                rng = np.random.default_rng([seed, _STREAM, step])
                prompts = [prompt(_seen(item, view), pairs.classes, known, rng) for item, view in plan]
                batch = _augmented(crops, rng).to(device)
                found = _losses(network, classifier, batch, prompts, pairs.classes, tokens)
                total = (
                    losses.grounding * (found["grounding"] + found["recognition"]) + losses.guidance * found["guidance"]
                )
                if not torch.isfinite(total):
                    raise InputError(
                        f"train: the losses of the text became {total.item()} in step {step + 1}; lower "
                        f"train.text_rate (now {settings.text_rate})"
                    )
                optimizer.zero_grad()
                total.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(own, settings.clip)
                optimizer.step()
                for name, value in found.items():
                    records[name].append(value.item())
                progress.update(task, advance=1, note=f"grounding {found['grounding'].item():.3f}")
            means = {name: float(np.mean(values)) for name, values in records.items()}
            history += [Row(steps.stop, LEVEL, name, value) for name, value in means.items()]
            history += _validate(network, val, pairs.classes, tokens, steps.stop)
            resumable.save(cache, fingerprint, parts, history, step=steps.stop)
            seconds = (time.monotonic() - began) / len(steps)
            report(description, "step", steps.stop, settings.text_steps, means, seconds)
    network.requires_grad_(True).cpu()
    _scale_details(network, _QUIETER)
    return history


def _scale_details(network: FusionNetwork, factor: float) -> None:
    """Multiply what phrases do to details; the correction stays."""
    last = network.lift[-1]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    gains = slice(0, last.out_channels // 2)  # the first of two maps, of which each has four channels
    with torch.no_grad():
        last.weight[gains] *= factor
        last.bias[gains] *= factor


def _of(train: Sequence[TrainingPair], known: Callable[[str], bool]) -> _Pairs:
    items = [item for item in train if item.pair.labelled]
    found = by_noun(box for item in items for box in item.pair.boxes)
    classes = [each for each, _ in found if known(each.one)]
    places: list[list[tuple[int, Box]]] = [[] for _ in classes]
    for index, item in enumerate(items):
        for box in item.pair.boxes:
            if noun(box.category) in classes:
                places[classes.index(noun(box.category))].append((index, box))
    # A class in a few pairs alone would be learned by heart if it came as often as the others.
    roots = [math.sqrt(len({index for index, _ in boxes})) for boxes in places]
    return _Pairs(items, classes, places, [root / sum(roots) for root in roots])


def _view(pairs: _Pairs, settings: Train, seed: int, step: int, place: int) -> tuple[TrainingPair, View]:
    """Return what is at a place of a step's batch: a pair and a crop, mostly around an object."""
    rng = np.random.default_rng([seed, _STREAM, step, place])
    if rng.random() < _AROUND_OBJECTS:
        places = pairs.places[rng.choice(len(pairs.classes), p=pairs.chances)]
        index, box = places[rng.integers(len(places))]
        pair = pairs.items[index].pair
        return pairs.items[index], _around(box, pair.width, pair.height, settings.crop, rng)
    item = pairs.items[int(rng.integers(len(pairs.items)))]
    return item, random_view(item.pair.width, item.pair.height, settings.crop, rng)


def _around(box: Box, width: int, height: int, crop: int, rng: np.random.Generator) -> View:
    """Return a square view of an image with the middle of a box somewhere in it, at a random scale."""
    low, high = np.log(_SCALES)
    scale = max(float(np.exp(rng.uniform(low, high))), crop / min(width, height))
    side = min(crop / scale, width, height)
    left = np.clip(box.x + box.w / 2 - side * rng.uniform(*_MIDDLE), 0, width - side)
    top = np.clip(box.y + box.h / 2 - side * rng.uniform(*_MIDDLE), 0, height - side)
    return View(float(left), float(top), crop, crop, scale, bool(rng.random() < 0.5))


def _seen(item: TrainingPair, view: View) -> list[str]:
    """Return the phrases of a pair's prompt as the view has them: what is left in a mirrored one was right."""
    return [mirrored(phrase) for phrase in item.phrases] if view.mirrored else list(item.phrases)


def _augmented(crops: Crops, rng: np.random.Generator) -> Crops:
    """Return the crops as other cameras would have seen them."""
    infrared, visible = [], []
    for pair in zip(crops.infrared_B1HW, crops.visible_B1HW, strict=True):
        first_1HW, second_1HW = other_cameras(*pair, rng)
        infrared.append(noisy(first_1HW, rng))
        visible.append(noisy(second_1HW, rng))
    return Crops(torch.stack(infrared), torch.stack(visible), crops.chroma_B3HW, crops.boxes)


def _losses(
    network: FusionNetwork,
    classifier: nn.Linear,
    batch: Crops,
    prompts: Sequence[Sequence[Named]],
    classes: Sequence[Noun],
    tokens: Tokens,
) -> dict[str, Tensor]:
    """Return the losses by name, each the mean over the batch."""
    device, (height, width) = batch.infrared_B1HW.device, batch.infrared_B1HW.shape[2:]
    text_BTD, mask_BT = (each.to(device) for each in tokens([[each.phrase for each in one] for one in prompts]))
    fusion = of_crops(network, batch, text_BTD, mask_BT)
    assert fusion.attention is not None
    classes_BKhw = torch.stack([cover(boxes, classes, height, width) for boxes in batch.boxes]).to(device)
    where_BThw, named = _where(prompts, batch.boxes, classes, classes_BKhw)
    objects_Bhw = classes_BKhw.sum(dim=1)

    seen_BShw = classifier(fusion.seen).softmax(dim=-1).permute(0, 3, 1, 2)
    target_B1HW, weight_B1HW = emphasised(fusion.plain_B1HW.detach(), named)
    return {
        "grounding": grounding_loss(fusion.attention, where_BThw, objects_Bhw).mean(),
        "recognition": grounding_loss(seen_BShw, classes_BKhw, objects_Bhw).mean(),
        "guidance": guidance_loss(fusion.fused_B1HW, target_B1HW, weight_B1HW).mean(),
    }


def _where(
    prompts: Sequence[Sequence[Named]],
    boxes: Sequence[Sequence[Box]],
    classes: Sequence[Noun],
    classes_BKhw: Tensor,
) -> tuple[Tensor, list[list[Box]]]:
    """Return where each phrase points, (B, T, h, w), and the boxes that are named."""
    where_BThw = classes_BKhw.new_zeros(len(prompts), max(map(len, prompts)), *classes_BKhw.shape[2:])
    named = []
    for row, one in enumerate(prompts):
        for column, each in enumerate(one):
            if each.noun is not None:
                where_BThw[row, column] = classes_BKhw[row, classes.index(each.noun)]
        spoken = [each.noun for each in one]
        named.append([box for box in boxes[row] if noun(box.category) in spoken])
    return where_BThw, named


@torch.no_grad()
def _validate(
    network: FusionNetwork, val: Sequence[TrainingPair], classes: Sequence[Noun], tokens: Tokens, step: int
) -> list[Row]:
    """Return the grounding of validation pairs under the names of all classes, as a row; no pair, no row."""
    items = [item for item in val if item.pair.labelled]
    device = next(network.parameters()).device
    text_1TD, mask_1T = (each.to(device) for each in tokens([[each.one for each in classes]]))
    values = []
    for crops in batches([[(item, central_view(item.pair.width, item.pair.height, STRIDE))] for item in items]):
        batch = crops.to(device)
        fusion = of_crops(network, batch, text_1TD, mask_1T)
        assert fusion.attention is not None
        where_1Thw = cover(batch.boxes[0], classes, *batch.infrared_B1HW.shape[2:])[None].to(device)
        values.append(grounding_loss(fusion.attention, where_1Thw, where_1Thw.sum(dim=1)).item())
    return [Row(step, LEVEL, "validation_grounding", float(np.mean(values)))] if values else []
