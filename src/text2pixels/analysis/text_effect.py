"""How much a class's phrase changes the fused image inside the boxes of that class, and outside.

A change is the mean absolute difference of fused luminance, in levels of 255, not rounded. Inside are the pixels of
the class's boxes, outside all others. Any text may change a road more than a sky. So the measure is by how much more
the class's own phrases favour its boxes than those of a control do.

Shapes: H, W image.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from text2pixels.analysis.statistics import Interval, mean_interval
from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import Noun, by_noun, speaks_of

ALL = "all"
Image = NDArray[np.float32]  # fused luminance (H, W) in levels of 255
Fuse = Callable[[Sequence[str]], Image]  # phrases -> fused


class Effect(NamedTuple):
    """Mean absolute changes, in levels, by the class's own phrases and by the control's."""

    inside: float
    outside: float
    control_inside: float
    control_outside: float

    @property
    def favour(self) -> float:
        """How much more the class's phrases change its boxes than the rest."""
        return self.inside - self.outside

    @property
    def specific(self) -> float:
        """How much more the class's phrases favour its boxes than the control's phrases do."""
        return self.favour - (self.control_inside - self.control_outside)


class Row(NamedTuple):
    """The effects of a class's phrase on several images.

    Attributes:
        phrase: "a car"; `ALL` for the row in which every image has one vote.
        images: How many.
        inside: Mean change inside the boxes, in levels.
        outside: The same outside.
        favour: Inside minus outside, with its interval over images.
        specific: By how much that is more than the control's.
    """

    phrase: str
    images: int
    inside: float
    outside: float
    favour: Interval
    specific: Interval


def mask_of(boxes: Iterable[Box], height: int, width: int) -> NDArray[np.bool_]:
    """Return (H, W), true inside the boxes."""
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        top, left = max(round(box.y), 0), max(round(box.x), 0)
        mask[top : max(round(box.y + box.h), 0), left : max(round(box.x + box.w), 0)] = True
    return mask


def effect(first: Image, second: Image, controls: Sequence[tuple[Image, Image]], mask: NDArray[np.bool_]) -> Effect:
    """Compare two fused images, and the mean of the controls, inside and outside a mask."""
    own = np.abs(first - second)
    control = np.mean([np.abs(before - after) for before, after in controls], axis=0)
    return Effect(*(float(change[part].mean()) for change in (own, control) for part in (mask, ~mask)))


def alone(pair: Pair, nouns: Sequence[Noun], fuse: Fuse) -> list[tuple[str, Effect]]:
    """Return (phrase, effect) for every class that a pair shows: its phrase alone against no text.

    The control: the phrases of the other classes, one by one.

    Args:
        pair: With boxes.
        nouns: Of all classes that count, two or more.
        fuse: Fuses this pair under phrases.
    """
    silent = fuse([])
    told = {noun: fuse([noun.one]) for noun in nouns}
    found = []
    for noun, mask in _shown(pair, nouns, silent):
        controls = [(image, silent) for other, image in told.items() if other != noun]
        found.append((noun.one, effect(told[noun], silent, controls, mask)))
    return found


def in_the_prompt(
    pair: Pair, prompt: Sequence[str], nouns: Sequence[Noun], fuse: Fuse, draw: np.random.Generator
) -> list[tuple[str, Effect]]:
    """Return (phrase, effect) for every class: the pair's prompt against it without the phrases of the class.

    The control: without as many phrases that name other classes, drawn at random; a pair that has too few of them is
    left out.

    Args:
        pair: With boxes.
        prompt: Its phrases.
        nouns: Of all classes that count, two or more.
        fuse: Fuses this pair under phrases.
        draw: Chooses the phrases that the control leaves out.
    """
    told = fuse(prompt)
    found = []
    for noun, mask in _shown(pair, nouns, told):
        own = [phrase for phrase in prompt if speaks_of(phrase, noun)]
        others = [phrase for phrase in prompt if phrase not in own and any(speaks_of(phrase, other) for other in nouns)]
        if own and len(others) >= len(own):
            dropped = draw.choice(others, size=len(own), replace=False).tolist()
            without, control = (fuse([phrase for phrase in prompt if phrase not in left]) for left in (own, dropped))
            found.append((noun.one, effect(told, without, [(told, control)], mask)))
    return found


def rows(found: Iterable[Sequence[tuple[str, Effect]]], resamples: int) -> list[Row]:
    """Return a row for each class and one for all, from the effects of each image; none where there are no effects.

    Args:
        found: (phrase, effect) of each image.
        resamples: Of the 95 % intervals, bootstrap over images.
    """
    groups: dict[str, list[Effect]] = defaultdict(list)
    for image in found:
        for phrase, one in image:
            groups[phrase].append(one)
        if image:
            groups[ALL].append(Effect(*np.mean([one for _, one in image], axis=0).tolist()))
    return [
        Row(
            phrase,
            len(members),
            float(np.mean([one.inside for one in members])),
            float(np.mean([one.outside for one in members])),
            mean_interval([one.favour for one in members], resamples=resamples),
            mean_interval([one.specific for one in members], resamples=resamples),
        )
        for phrase, members in sorted(groups.items(), key=lambda group: (group[0] == ALL, group[0]))
    ]


def _shown(pair: Pair, nouns: Sequence[Noun], image: Image) -> list[tuple[Noun, NDArray[np.bool_]]]:
    """Return the classes that a pair shows, each with the mask of its boxes; one that fills the image is left out."""
    masks = [(noun, mask_of(boxes, *image.shape)) for noun, boxes in by_noun(pair.boxes) if noun in nouns]
    return [(noun, mask) for noun, mask in masks if mask.any() and not mask.all()]
