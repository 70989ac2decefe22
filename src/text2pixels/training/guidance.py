"""Which phrases a training pair is shown under, and where they point.

The network sees the same pair with and without a phrase; if the text never varied, it could ignore it. So
a pair's classes are named or kept back at random, now and then by a synonym, and now and then a
stranger is named that is nowhere to be seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import (
    COMMON,
    STRANGERS,
    SYNONYMS,
    by_noun,
    noun,
    speaks_of,
    speaks_of_an_object,
)

_NAMED = 0.5  # of a pair's classes
_SYNONYM = 0.3  # of the named classes
_STRANGER = 0.3  # of the pairs
_ABSENT = 0.3  # of the common classes that a labelled pair does not show

_RAISED = 1.0  # times an object's difference to its surroundings, by which it grows
_RING = 0.5  # of a box's sides, the width of the ring around it
_EDGE = 0.2  # of a box's side, in which emphasis rises
_BRIGHTEST = 0.95  # that emphasis makes anything
_LEAST_SIDE = 3  # pixels of a box that is emphasised
_COUNTED_PIXELS = 64  # below which an object counts less than others


def shown(phrases: Sequence[str], boxes: Iterable[Box], rng: np.random.Generator) -> tuple[str, ...]:
    """Return the phrases under which a training pair is fused this time, in order.

    Args:
        phrases: of its prompt.
        boxes: of the pair; a class without boxes here is neither kept back nor renamed.
        rng: decides.
    """
    kept, classes = list(phrases), [each for each, _ in by_noun(boxes)]
    for each in classes:
        own = [phrase for phrase in kept if speaks_of(phrase, each)]
        others = SYNONYMS.get(each, ())
        instead: list[str]
        if rng.random() >= _NAMED:
            instead = []
        elif own and others and rng.random() < _SYNONYM:
            instead = [str(rng.choice(others))]
        else:
            continue
        place = kept.index(own[0]) if own else 0
        kept = [phrase for phrase in kept if phrase not in own]
        kept[place:place] = instead
    if phrases and classes:  # of a pair without boxes nobody knows what it shows
        kept += [each.one for each in COMMON if each not in classes and rng.random() < _ABSENT]
    if kept and rng.random() < _STRANGER:
        kept.append(str(rng.choice([each.one for each in STRANGERS if each not in classes])))
    return tuple(kept)


def pointing(phrase: str, labelled: bool) -> bool:
    """Return whether it is known where a phrase points: an object of a labelled pair, or a stranger, nowhere.

    Where an unlabelled pair's objects are, nobody said: their phrases teach attention nothing.
    """
    return speaks_of_an_object(phrase) if labelled else any(phrase == each.one for each in STRANGERS)


def named(phrases: Sequence[str], boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return the boxes of the objects that the phrases name."""
    return tuple(box for box in boxes if any(speaks_of(phrase, noun(box.category)) for phrase in phrases))


def mask_of(boxes: Iterable[Box], height: int, width: int) -> Tensor:
    """Return (H, W): 1 within the boxes, 0 elsewhere."""
    mask_HW = torch.zeros(height, width)
    for box in boxes:
        mask_HW[_within(box, height, width)] = 1
    return mask_HW


def emphasised(plain_B1HW: Tensor, named: Sequence[Sequence[Box]]) -> tuple[Tensor, Tensor]:
    """Return what a prompt should make of the fused images, and how much each pixel counts, both (B, 1, H, W).

    Within the box of a named object, its difference to the mean of the ring around the box, and with it its
    texture, doubles; towards the box's edges it grows by less and less, so that no halo is left there. What is
    bright already stays as it is: to stand out it needs no more, and its texture would be lost.

    Args:
        plain_B1HW: fused without text.
        named: the boxes of each image's named objects. Every class counts alike, and in it every box.
    """
    target_B1HW, weight_B1HW = plain_B1HW.clone(), torch.zeros_like(plain_B1HW)
    height, width = plain_B1HW.shape[2:]
    for image, boxes in enumerate(named):
        classes = by_noun(boxes)
        for _, members in classes:
            for box in members:
                rows, columns = _within(box, height, width)
                plain_hw = plain_B1HW[image, 0, rows, columns]
                if min(plain_hw.shape) < _LEAST_SIDE:
                    continue
                ring = _within(_grown(box), height, width)
                around_HW = plain_B1HW[image, 0, ring[0], ring[1]]
                least = max(around_HW.numel() - plain_hw.numel(), 1)
                mean = (around_HW.sum() - plain_hw.sum()) / least
                taper_hw = _taper(plain_hw.shape[0], plain_hw)[:, None] * _taper(plain_hw.shape[1], plain_hw)
                raised_hw = plain_hw + _RAISED * (plain_hw - mean)
                raised_hw = torch.minimum(raised_hw, plain_hw.clamp(min=_BRIGHTEST))
                target_B1HW[image, 0, rows, columns] = torch.lerp(plain_hw, raised_hw, taper_hw).clamp(min=0)
                share = 1 / (len(classes) * len(members) * max(plain_hw.numel(), _COUNTED_PIXELS))
                weight_B1HW[image, 0, rows, columns] += share
    return target_B1HW, weight_B1HW


def _within(box: Box, height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of a box that lie in an image."""
    top, left = max(round(box.y), 0), max(round(box.x), 0)
    bottom, right = min(round(box.y + box.h), height), min(round(box.x + box.w), width)
    return slice(top, max(bottom, top)), slice(left, max(right, left))


def _grown(box: Box) -> Box:
    """Return a box with a margin of half its sides."""
    across, down = box.w * _RING, box.h * _RING
    return replace(box, x=box.x - across, y=box.y - down, w=box.w + 2 * across, h=box.h + 2 * down)


def _taper(side: int, like: Tensor) -> Tensor:
    """Return weights (side,) that rise from 0 at both ends to 1 within a fifth of the side."""
    place = (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) / side
    ramp = (torch.minimum(place, 1 - place) / _EDGE).clamp(max=1)
    return ramp * ramp * (3 - 2 * ramp)
