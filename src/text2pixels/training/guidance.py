"""Which phrases a training pair is shown under, and where they point.

The network sees the same pair with and without a phrase; if the text never varied, it could ignore it. So
a pair's classes are named or kept back at random, now and then by a synonym, and now and then a
stranger is named that is nowhere to be seen.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import STRANGERS, SYNONYMS, by_noun, noun, speaks_of, speaks_of_an_object

_NAMED = 0.5  # of a pair's classes
_SYNONYM = 0.3  # of the named classes
_STRANGER = 0.3  # of the pairs


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
    if kept and rng.random() < _STRANGER:
        kept.append(str(rng.choice([each.one for each in STRANGERS if each not in classes])))
    return tuple(kept)


def pointing(phrase: str, labelled: bool) -> bool:
    """Return whether it is known where a phrase points: an object of a labelled pair, or a stranger, nowhere.

    Where an unlabelled pair's objects are, nobody said: their phrases teach attention nothing.
    """
    return speaks_of_an_object(phrase) if labelled else any(phrase == each.one for each in STRANGERS)


def named(phrases: Sequence[str], boxes: Iterable[Box], height: int, width: int) -> Tensor:
    """Return (1, H, W): 1 within the boxes of objects that a phrase names, 0 elsewhere."""
    mask_1HW = torch.zeros(1, height, width)
    for box in boxes:
        if any(speaks_of(phrase, noun(box.category)) for phrase in phrases):
            top, left = max(round(box.y), 0), max(round(box.x), 0)
            mask_1HW[:, top : max(round(box.y + box.h), 0), left : max(round(box.x + box.w), 0)] = 1
    return mask_1HW
