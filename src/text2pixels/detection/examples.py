"""Images and boxes as the detector sees them: letterboxed, batched, augmented.

Shapes: B batch; H, W image; 3 RGB channels.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from text2pixels.detection.yolo import STRIDE
from text2pixels.image.boxes import Box, clip

_PADDING = 114  # gray, as ultralytics pads


@dataclass(frozen=True)
class Example:
    """An image to be read when it is needed, and its boxes in pixels.

    The image is 8-bit RGB (H, W, 3), or that with the infrared as a fourth channel.
    """

    pair_id: str
    read: Callable[[], NDArray[np.uint8]]
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Frame:
    """Where an image lies on the detector's canvas: canvas = scale * image + (left, top)."""

    scale: float
    left: float
    top: float


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, H, W) in [0, 1], and per image its boxes on the canvas, its frame and its pair.

    For early fusion the images have four channels.
    """

    images_B3HW: Tensor
    boxes: tuple[tuple[Box, ...], ...]
    frames: tuple[Frame, ...]
    pair_ids: tuple[str, ...]


def batches(
    examples: Sequence[Example], order: Sequence[int], size: int, image_size: int, seed: int | None = None
) -> Iterator[Batch]:
    """Yield the examples in the given order, ``size`` at a time, reading one batch ahead.

    Args:
        examples: what to read.
        order: indices into ``examples``.
        size: images in a batch; the last may have fewer.
        image_size: pixels of the longest side on the canvas.
        seed: augments by mirroring, scaling, shifting and gain, the same for the same seed; None: no augmentation.
    """
    groups = [order[start : start + size] for start in range(0, len(order), size)]

    def prepare(number: int) -> Batch:
        rng = None if seed is None else np.random.default_rng([seed, number])
        return _batch([examples[index] for index in groups[number]], image_size, rng)

    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead = reader.submit(prepare, 0) if groups else None
        for number in range(len(groups)):
            assert ahead is not None
            ready = ahead.result()
            ahead = reader.submit(prepare, number + 1) if number + 1 < len(groups) else None
            yield ready


def _batch(examples: Sequence[Example], image_size: int, rng: np.random.Generator | None) -> Batch:
    images = [example.read() for example in examples]
    scales = [image_size / max(image.shape[:2]) for image in images]
    height = _whole_strides(max(image.shape[0] * scale for image, scale in zip(images, scales, strict=True)))
    width = _whole_strides(max(image.shape[1] * scale for image, scale in zip(images, scales, strict=True)))
    canvases, boxes, frames = [], [], []
    for example, image, scale in zip(examples, images, scales, strict=True):
        left, top = (width - image.shape[1] * scale) / 2, (height - image.shape[0] * scale) / 2
        frame = Frame(scale, left, top)
        mirrored, gain = False, 1.0
        if rng is not None:
            frame = _jitter(frame, width, height, rng)
            mirrored, gain = bool(rng.random() < 0.5), float(rng.uniform(0.8, 1.2))
        canvases.append(_draw(image, frame, width, height, mirrored, gain))
        boxes.append(_on_canvas(example.boxes, frame, width, height, mirrored))
        frames.append(frame)
    stacked = torch.from_numpy(np.stack(canvases)).permute(0, 3, 1, 2).float() / 255
    return Batch(stacked.contiguous(), tuple(boxes), tuple(frames), tuple(example.pair_id for example in examples))


def _whole_strides(side: float) -> int:
    return STRIDE * max(1, int(np.ceil(round(side, 3) / STRIDE)))


def _jitter(frame: Frame, width: int, height: int, rng: np.random.Generator) -> Frame:
    """Scale about the centre of the canvas, then shift, by at most what keeps most of the image in view."""
    zoom = float(rng.uniform(0.75, 1.35))
    shift_x, shift_y = (float(rng.uniform(-0.1, 0.1)) * side for side in (width, height))
    return Frame(
        frame.scale * zoom,
        (frame.left - width / 2) * zoom + width / 2 + shift_x,
        (frame.top - height / 2) * zoom + height / 2 + shift_y,
    )


def _draw(
    image: NDArray[np.uint8], frame: Frame, width: int, height: int, mirrored: bool, gain: float
) -> NDArray[np.uint8]:
    import cv2

    identity = frame == Frame(1, 0, 0) and image.shape[:2] == (height, width)
    if not identity:
        # Pixel centres: canvas + 0.5 = scale * (image + 0.5) + offset.
        centre = (frame.scale - 1) / 2
        matrix = np.array([[frame.scale, 0, frame.left + centre], [0, frame.scale, frame.top + centre]])
        if frame.scale < 0.8:  # bilinear sampling alone would alias
            image = cv2.blur(image, (round(1 / frame.scale) | 1,) * 2)
        image = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(_PADDING,) * 4)
    if mirrored:
        image = image[:, ::-1]
    if gain != 1:
        image = np.clip(image.astype(np.float32) * gain, 0, 255).astype(np.uint8)
    return image


def _on_canvas(boxes: Sequence[Box], frame: Frame, width: int, height: int, mirrored: bool) -> tuple[Box, ...]:
    placed = []
    for box in boxes:
        x0, y0 = box.x * frame.scale + frame.left, box.y * frame.scale + frame.top
        x1, y1 = x0 + box.w * frame.scale, y0 + box.h * frame.scale
        if mirrored:
            x0, x1 = width - x1, width - x0
        kept = clip(Box(box.category, x0, y0, x1 - x0, y1 - y0), width, height)
        if kept is not None:
            placed.append(kept)
    return tuple(placed)
