"""What the text part of training asks for: phrases to show, where they point, and what they should make of the picture.

The network sees the same objects named and not named, and names of what is nowhere to be seen. So it cannot do with
knowing that there is an object: it has to tell which.

Shapes: B batch; 1 channel; H, W image; h, w token grid.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from text2pixels.image.boxes import Box
from text2pixels.network.description import STRIDE
from text2pixels.prompts.phrases import STRANGERS, SYNONYMS, Noun, by_noun, noun, speaks_of

_NAMED = 0.5  # of the classes of the data sets, whether a pair shows them or not
_OTHERWISE = 0.3  # of the named classes: by another phrase than "a car"
_STRANGER = 0.4  # of the prompts name one

_RAISED = 0.5  # times an object's difference to its surroundings, by which it grows
_RING = 0.5  # of a box's sides, the width of the ring around it
_EDGE = 0.2  # of a box's side, in which emphasis rises
_BRIGHTEST = 0.95  # that emphasis makes anything
_LEAST_SIDE = 3  # pixels of a box that is emphasised
_COUNTED_PIXELS = 64  # below which an object counts less than others


@dataclass(frozen=True)
class Named:
    """A phrase, and the noun whose objects it points to; None: of what is nowhere to be seen."""

    phrase: str
    noun: Noun | None


def prompt(
    own: Sequence[str], classes: Sequence[Noun], known: Callable[[str], bool], rng: np.random.Generator
) -> list[Named]:
    """Return the phrases under which a training pair is shown this time, one or more, in random order.

    Args:
        own: the phrases of the pair's prompt. A class is now and then named by one of them, or by a synonym.
        classes: of the data sets. Each is named in half of the cases, whatever the pair shows.
        known: whether a phrase has a vector; the classes' names have.
        rng: decides.
    """
    named = [each for each in classes if rng.random() < _NAMED] or [classes[int(rng.integers(len(classes)))]]
    phrases = []
    for each in named:
        others = [*SYNONYMS.get(each, ()), *(phrase for phrase in own if speaks_of(phrase, each))]
        others = [phrase for phrase in others if known(phrase)]
        otherwise = others and rng.random() < _OTHERWISE
        phrases.append(Named(str(rng.choice(others)) if otherwise else each.one, each))
    strangers = [each.one for each in STRANGERS if each not in classes and known(each.one)]
    if strangers and rng.random() < _STRANGER:
        phrases.append(Named(str(rng.choice(strangers)), None))
    return [phrases[place] for place in rng.permutation(len(phrases))]


def cover(boxes: Iterable[Box], classes: Sequence[Noun], height: int, width: int) -> Tensor:
    """Return the share of each token that lies in boxes of each class, (classes, h, w).

    Where boxes overlap, the smaller one counts: it is in front, or would be lost.

    Args:
        boxes: in an image of ``height`` x ``width`` pixels, both whole numbers of tokens.
        classes: those that count; boxes of others are left out.
        height: in pixels.
        width: in pixels.
    """
    cover_KHW = torch.zeros(len(classes), height, width)
    for box in sorted(boxes, key=lambda box: -box.w * box.h):
        rows, columns = _within(box, height, width)
        if (kind := noun(box.category)) in classes:
            cover_KHW[:, rows, columns] = 0
            cover_KHW[classes.index(kind), rows, columns] = 1
    return F.avg_pool2d(cover_KHW[None], STRIDE)[0]


def emphasised(plain_B1HW: Tensor, named: Sequence[Sequence[Box]]) -> tuple[Tensor, Tensor]:
    """Return what a prompt should make of pictures, and how much each pixel counts, both (B, 1, H, W).

    Within the box of a named object its difference to the mean of the ring around the box, and with it its texture,
    grows by half: what is darker than its surroundings gets darker. Towards the box's edges it grows by less and less,
    so that no halo is left there. Elsewhere the picture stays as it is.

    Args:
        plain_B1HW: fused without text, in [0, 1].
        named: the boxes of each image's named objects. Every class counts alike, in it every box, and as much as they
            do together all that is not named.
    """
    target_B1HW, weight_B1HW = plain_B1HW.clone(), torch.zeros_like(plain_B1HW)
    height, width = plain_B1HW.shape[2:]
    for image, boxes in enumerate(named):
        plain_HW, weight_HW = plain_B1HW[image, 0], weight_B1HW[image, 0]
        elsewhere_HW = torch.ones_like(plain_HW)
        classes = by_noun(boxes)
        for _, members in classes:
            for box in members:
                inside = _within(box, height, width)
                elsewhere_HW[inside] = 0
                plain_hw = plain_HW[inside]
                if min(plain_hw.shape) < _LEAST_SIDE:
                    continue
                around_HW = plain_HW[_within(_grown(box), height, width)]
                mean = (around_HW.sum() - plain_hw.sum()) / max(around_HW.numel() - plain_hw.numel(), 1)
                taper_hw = _taper(plain_hw.shape[0], plain_hw)[:, None] * _taper(plain_hw.shape[1], plain_hw)
                raised_hw = plain_hw + _RAISED * taper_hw * (plain_hw - mean)
                target_B1HW[image, 0][inside] = torch.minimum(raised_hw, plain_hw.clamp(min=_BRIGHTEST)).clamp(min=0)
                weight_HW[inside] += 1 / (len(classes) * len(members) * max(plain_hw.numel(), _COUNTED_PIXELS))
        weight_HW += elsewhere_HW / elsewhere_HW.sum().clamp(min=1)
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
