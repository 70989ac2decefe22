"""Training pairs: read, cropped, mirrored and scaled, both modalities and the boxes alike.

What a pair looks like in a step depends on the seed, the step and its place in the batch alone, so
a resumed run and a run on several processes see the same crops.

Shapes: B pairs, 1 and 3 channels, H x W pixels, T phrases, D numbers a phrase vector.
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
from text2pixels.detection.examples import clip
from text2pixels.image.boxes import Box
from text2pixels.image.colour import luminance
from text2pixels.training.guidance import named, pointing

Tokens = Callable[[Sequence[Sequence[str]]], tuple[Tensor, Tensor]]  # prompts -> text_BTD, mask_BT

_SCALES = (0.75, 1.25)
_SCALED = 0.5  # share of the crops that are scaled; the others keep their pixels as they are


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
        text_BTD: phrase vectors, padded with zeros.
        mask_BT: True where there is a phrase.
        objects_BT: True where a phrase speaks of an object and it is known where that is.
        named_B1HW: 1 within the boxes of objects that the phrases name, 0 elsewhere.
        boxes: per pair, in pixels of the crop.
    """

    infrared_B1HW: Tensor
    visible_B1HW: Tensor
    chroma_B3HW: Tensor
    text_BTD: Tensor
    mask_BT: Tensor
    objects_BT: Tensor
    named_B1HW: Tensor
    boxes: tuple[tuple[Box, ...], ...]

    def to(self, device: torch.device) -> "Crops":
        """Move the tensors."""
        return Crops(
            self.infrared_B1HW.to(device),
            self.visible_B1HW.to(device),
            self.chroma_B3HW.to(device),
            self.text_BTD.to(device),
            self.mask_BT.to(device),
            self.objects_BT.to(device),
            self.named_B1HW.to(device),
            self.boxes,
        )


@dataclass(frozen=True)
class View:
    """What of a pair is seen: a window of the source, its scale on the crop, and whether it is mirrored."""

    left: float
    top: float
    width: int  # pixels of the crop
    height: int
    scale: float = 1.0
    mirrored: bool = False


def random_view(width: int, height: int, crop: int, rng: np.random.Generator) -> View:
    """Return a square crop of an image of that size; a smaller image is enlarged to fill it."""
    scale = float(rng.uniform(*_SCALES)) if rng.random() < _SCALED else 1.0
    scale = max(scale, crop / min(width, height))
    side = crop / scale
    left, top = float(rng.uniform(0, width - side)), float(rng.uniform(0, height - side))
    if scale == 1:
        left, top = float(round(left)), float(round(top))
    return View(left, top, crop, crop, scale, bool(rng.random() < 0.5))


def central_view(width: int, height: int, stride: int) -> View:
    """Return the middle of an image, in whole strides; an image below one stride is enlarged."""
    scale = max(1.0, stride / min(width, height))
    w, h = (int(side * scale + 1e-6) // stride * stride for side in (width, height))
    return View(float(int((width - w / scale) / 2)), float(int((height - h / scale) / 2)), w, h, scale)


def batches(plans: Sequence[Sequence[tuple[TrainingPair, View]]], tokens: Tokens) -> Iterator[Crops]:
    """Yield one batch per plan, reading one ahead on as many threads as there are processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as readers:
        waiting = [readers.submit(_read, item, view) for item, view in plans[0]] if plans else []
        for number, plan in enumerate(plans):
            ready, waiting = waiting, []
            if number + 1 < len(plans):
                waiting = [readers.submit(_read, item, view) for item, view in plans[number + 1]]
            arrays, boxes = zip(*(future.result() for future in ready), strict=True)
            stacked_B5HW = torch.from_numpy(np.stack(arrays))
            prompts = [_prompt(item, view, tokens) for item, view in plan]
            text_BTD, mask_BT = tokens(prompts)
            objects_BT = torch.zeros_like(mask_BT)
            for row, (prompt, (item, _)) in enumerate(zip(prompts, plan, strict=True)):
                objects_BT[row, : len(prompt)] = torch.tensor([pointing(p, item.pair.labelled) for p in prompt])
            size = stacked_B5HW.shape[2:]
            named_B1HW = torch.stack([named(prompt, seen, *size) for prompt, seen in zip(prompts, boxes, strict=True)])
            images = (stacked_B5HW[:, :1], stacked_B5HW[:, 1:2], stacked_B5HW[:, 2:])
            yield Crops(*images, text_BTD, mask_BT, objects_BT, named_B1HW, boxes)


def _prompt(item: TrainingPair, view: View, tokens: Tokens) -> list[str]:
    """Return the phrases as the view has them; one that the encoder lacks is not seen and names nothing."""
    phrases = [_mirrored(phrase) for phrase in item.phrases] if view.mirrored else item.phrases
    return [phrase for phrase in phrases if tokens([[phrase]])[1].any()]


def _mirrored(phrase: str) -> str:
    """Swap left and right."""
    if "left" in phrase:
        return phrase.replace("on the left", "on the right")
    return phrase.replace("on the right", "on the left")


def _read(item: TrainingPair, view: View) -> tuple[NDArray[np.float32], tuple[Box, ...]]:
    """Return infrared, luminance and chroma (5, H, W), and the boxes, as the view has them."""
    from text2pixels.image.png import read_gray, read_rgb

    infrared = _see(read_gray(item.folder / item.pair.infrared), view)
    visible = _see(read_rgb(item.folder / item.pair.visible), view)
    y = luminance(visible)
    chroma = visible.astype(np.float32) / 255 - y[..., None]
    stacked = np.concatenate([infrared[None].astype(np.float32) / 255, y[None], chroma.transpose(2, 0, 1)])
    boxes = (_place(box, view) for box in item.pair.boxes)
    return stacked, tuple(box for box in boxes if box is not None)


def _see(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    if view.scale == 1:
        top, left = int(view.top), int(view.left)
        seen = image[top : top + view.height, left : left + view.width]
    else:
        import cv2

        # Pixel centres: crop + 0.5 = scale * (image + 0.5 - corner).
        x, y = (view.scale * (0.5 - corner) - 0.5 for corner in (view.left, view.top))
        matrix = np.array([[view.scale, 0, x], [0, view.scale, y]])
        seen = cv2.warpAffine(
            image, matrix, (view.width, view.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return np.ascontiguousarray(seen[:, ::-1]) if view.mirrored else seen


def _place(box: Box, view: View) -> Box | None:
    x, y, w, h = (value * view.scale for value in (box.x - view.left, box.y - view.top, box.w, box.h))
    if view.mirrored:
        x = view.width - x - w
    return clip(Box(box.category, x, y, w, h), view.width, view.height)
