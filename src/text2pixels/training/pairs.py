"""Training pairs: read, cropped, mirrored and scaled, both modalities and the boxes alike.

What a pair looks like in a step depends on the seed, the step and its place in the batch alone, so
a resumed run and a run on several processes see the same crops.

Shapes: B batch; 1 and 3 channels; H, W image.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.image.colour import luminance
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.image.views import View, place, see
from text2pixels.methods.engines.engine import lead
from text2pixels.prompts.phrases import by_noun, shown_in_training
from text2pixels.sampling import spread

_ENOUGH = 256  # pairs, whose mean tells what is usual

Tokens = Callable[[Sequence[Sequence[str]]], tuple[Tensor, Tensor]]  # prompts -> text_BTD, mask_BT


@dataclass(frozen=True)
class TrainingPair:
    """A pair of the manifest, the folder it is relative to, and the phrases of its prompt."""

    folder: Path
    pair: Pair
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Crops:
    """A batch.

    Attributes:
        infrared_B1HW: in [0, 1].
        visible_B1HW: luminance in [0, 1].
        chroma_B3HW: visible RGB minus its luminance.
        boxes: per pair, in pixels of the crop.
        judged_by: the infrared and the visible image that the losses compare with; None: those that the network sees.
            See `training.augmentation`.
    """

    infrared_B1HW: Tensor
    visible_B1HW: Tensor
    chroma_B3HW: Tensor
    boxes: tuple[tuple[Box, ...], ...]
    judged_by: tuple[Tensor, Tensor] | None = None

    @property
    def sources(self) -> tuple[Tensor, Tensor]:
        """The infrared and the visible image that the losses compare with."""
        return self.judged_by or (self.infrared_B1HW, self.visible_B1HW)

    def to(self, device: torch.device) -> "Crops":
        """Move the tensors."""
        return Crops(
            self.infrared_B1HW.to(device),
            self.visible_B1HW.to(device),
            self.chroma_B3HW.to(device),
            self.boxes,
            None if self.judged_by is None else (self.judged_by[0].to(device), self.judged_by[1].to(device)),
        )


def vocabulary(pairs: Sequence[TrainingPair]) -> set[str]:
    """Return every phrase that training on the pairs may show, as written or mirrored."""
    written = {*shown_in_training(), *(phrase for item in pairs for phrase in item.phrases)}
    written |= {each.one for item in pairs for each, _ in by_noun(item.pair.boxes)}
    return written | {mirrored(phrase) for phrase in written}


def usual_lead(items: Sequence[TrainingPair]) -> float:
    """Return the mean of `lead` over pairs, of many over some that are spread evenly among them."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as readers:
        return float(np.mean(list(readers.map(_lead, spread(items, _ENOUGH)))))


def _lead(item: TrainingPair) -> float:
    infrared_HW = read_gray(item.folder / item.pair.infrared).astype(np.float32) / np.float32(255)
    visible_HW = luminance(read_rgb(item.folder / item.pair.visible))
    return lead(infrared_HW, visible_HW)


def batches(plans: Sequence[Sequence[tuple[TrainingPair, View]]]) -> Iterator[Crops]:
    """Yield one batch per plan, reading one ahead on as many threads as there are processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as readers:
        waiting = [readers.submit(_read, item, view) for item, view in plans[0]] if plans else []
        for number in range(len(plans)):
            ready, waiting = waiting, []
            if number + 1 < len(plans):
                waiting = [readers.submit(_read, item, view) for item, view in plans[number + 1]]
            arrays, boxes = zip(*(future.result() for future in ready), strict=True)
            stacked_B5HW = torch.from_numpy(np.stack(arrays))
            yield Crops(stacked_B5HW[:, :1], stacked_B5HW[:, 1:2], stacked_B5HW[:, 2:], boxes)


def mirrored(phrase: str) -> str:
    """Swap left and right."""
    if "left" in phrase:
        return phrase.replace("on the left", "on the right")
    return phrase.replace("on the right", "on the left")


def _read(item: TrainingPair, view: View) -> tuple[NDArray[np.float32], tuple[Box, ...]]:
    """Return infrared, luminance and chroma (5, H, W), and the boxes, as the view has them."""
    infrared = see(read_gray(item.folder / item.pair.infrared), view)
    visible = see(read_rgb(item.folder / item.pair.visible), view)
    y = luminance(visible)
    chroma = visible.astype(np.float32) / 255 - y[..., None]
    stacked = np.concatenate([infrared[None].astype(np.float32) / 255, y[None], chroma.transpose(2, 0, 1)])
    boxes = (place(box, view) for box in item.pair.boxes)
    return stacked, tuple(box for box in boxes if box is not None)
