"""Patches of training pairs, as a recipe asks for them.

What a step sees depends on the seed, the step and the place in the batch alone, so a run that was killed goes on as
it would have.

Shapes: H, W image; 1, 3, 4 and 5 channels.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from text2pixels.datasets.manifest import Pair
from text2pixels.image.colour import luminance
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.image.views import View, see
from text2pixels.training.rivals.recipe import Budget, Float, Image8, Patches, Recipe

_DRAWS = 20  # of a patch with contrast; a set of flat images has none


class PatchReader:
    """Draws the patches of a run."""

    def __init__(self, pairs: Sequence[tuple[Path, Pair]], recipe: Recipe, budget: Budget, seed: int) -> None:
        """Remember what to draw from.

        Args:
            pairs: Each with the folder that its paths are relative to; at least one.
            recipe: How patches are drawn.
            budget: How many, and how large.
            seed: Of the run.
        """
        self._pairs, self._recipe, self._budget, self._seed = pairs, recipe, budget, seed
        self._thirds: dict[int, Float] = {}  # computed once each: one takes seconds

    def batches(self, first: int) -> Iterator[Patches]:
        """Yield the batches from step ``first`` to the last, reading one ahead on all processors."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as readers:

            def ask(step: int) -> list[tuple[Float, ...]]:
                return list(readers.map(lambda place: self._draw(step, place), range(self._budget.batch)))

            with ThreadPoolExecutor(max_workers=1) as ahead:
                waiting = ahead.submit(ask, first) if first < self._budget.steps else None
                for step in range(first, self._budget.steps):
                    assert waiting is not None, "asked for in the step before"
                    drawn = waiting.result()
                    waiting = ahead.submit(ask, step + 1) if step + 1 < self._budget.steps else None
                    stacked = [torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True)]
                    yield Patches(*stacked)

    def _draw(self, step: int, place: int) -> tuple[Float, ...]:
        """Return infrared (1, H, W), luminance (1, H, W), RGB (3, H, W) and, if there is one, the third image."""
        rng = np.random.default_rng([self._seed, step, place])
        index = self._index(step, place)
        folder, pair = self._pairs[index]
        infrared, visible = read_gray(folder / pair.infrared), read_rgb(folder / pair.visible)
        for _ in range(_DRAWS):
            view = self._view(pair, rng)
            infrared_HW, visible_HW3 = see(infrared, view), see(visible, view)
            y_HW = luminance(visible_HW3)
            if min(_contrast(infrared_HW), _contrast(y_HW)) >= self._recipe.minimum_contrast:
                break
        images = (_unit(infrared_HW[None]), y_HW[None], _unit(visible_HW3.transpose(2, 0, 1)))
        if self._recipe.third is None:
            return images
        if index not in self._thirds:
            self._thirds[index] = self._recipe.third(infrared, visible)
        return *images, see(self._thirds[index], view)[None]

    def _index(self, step: int, place: int) -> int:
        """Return which pair: every pair comes once before any comes again."""
        number = step * self._budget.batch + place
        turn, position = divmod(number, len(self._pairs))
        return int(np.random.default_rng([self._seed, turn]).permutation(len(self._pairs))[position])

    def _view(self, pair: Pair, rng: np.random.Generator) -> View:
        """Return a random patch; an image of less than a patch is enlarged to fill it."""
        side = self._budget.patch
        scale = max(float(rng.uniform(*self._recipe.scales)), side / min(pair.width, pair.height))
        seen = min(side / scale, pair.width, pair.height)  # rounded, the quotient may be a hair more than the image
        left, top = float(rng.uniform(0, pair.width - seen)), float(rng.uniform(0, pair.height - seen))
        if scale == 1:
            left, top = float(round(left)), float(round(top))
        return View(left, top, side, side, scale, self._recipe.mirrored and bool(rng.random() < 0.5))


def _unit(image: Image8) -> Float:
    """Return levels of 8 bits in [0, 1]."""
    return np.ascontiguousarray(image, dtype=np.float32) / np.float32(255)


def _contrast(image_HW: Image8 | Float) -> float:
    """Return the share of the 90th percentile that lies between it and the 10th; 0 of a black image."""
    low, high = np.percentile(image_HW, [10, 90])
    return float((high - low) / high) if high > 0 else 0.0
