"""Training a detector on given images: one loop for the start weights and for every method."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from text2pixels.detection.detections import Detection
from text2pixels.detection.examples import Example, Frame, batches
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.progress import bar, report

_WARM_UP = 0.1  # share of the steps
_LAST_RATE = 0.02  # share of the learning rate at the end
_MOMENTUM = 0.1  # of the running statistics; ultralytics' 0.03 lags behind where an epoch has a dozen steps
_WEIGHT_DECAY = 5e-4  # ultralytics' default
_CLIP = 10.0  # norm of the gradient, ultralytics' value


class Predictor(Protocol):
    """What finds objects in images."""

    def to(self, device: torch.device) -> "Predictor":
        """Move to a device."""
        ...

    def predict(self, images_B3HW: Tensor) -> list[list[Detection]]:
        """Return each image's detections, best first; images in [0, 1], sides multiples of 32."""
        ...


def fit(
    detector: Detector,
    examples: Sequence[Example],
    *,
    epochs: int,
    batch: int,
    image_size: int,
    learning_rate: float,
    seed: int,
    device: torch.device,
    description: str | None,
    frozen_statistics: bool = False,
    frozen_layers: int = 0,
    memory: float = 0.0,
    bf16: bool = False,
) -> list[float]:
    """Train with AdamW under a warm-up and a cosine; return each epoch's mean loss.

    Args:
        detector: trained in place; ends with the averaged weights where ``memory`` is not 0.
        examples: to train on.
        epochs: over all examples.
        batch: images of a step.
        image_size: pixels of the longest side.
        learning_rate: the greatest.
        seed: of order and augmentation.
        device: to compute on.
        description: of a progress bar; None: no bar.
        frozen_statistics: batch normalisation stays as the start weights have it. A few hundred images
            tell less of a feature's mean than the hundred thousand of COCO did.
        frozen_layers: first layers of the network that stay as they are; 10 are YOLOv5's backbone.
        memory: share that the average of the weights (EMA) keeps at a step; 0: no average.
        bf16: compute in bfloat16, the loss apart; the weights stay in float32.

    Raises:
        InputError: the loss is no longer finite.
    """
    torch.manual_seed(seed)
    detector.to(device).train(frozen_statistics)
    # The order of numbers in memory in which a processor convolves images fastest.
    detector.network.to(memory_format=torch.channels_last)
    frozen = list(detector.layers[:frozen_layers].parameters())
    for parameter in frozen:
        parameter.requires_grad_(False)
    averaged = copy.deepcopy(detector.network.state_dict()) if memory else None
    for module in detector.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _MOMENTUM
    optimizer = torch.optim.AdamW(_groups(detector.network), lr=learning_rate)
    steps = max(1, epochs * math.ceil(len(examples) / batch))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    means = []
    with bar(description is not None) as progress:
        task = progress.add_task(description or "", total=steps, note="")
        for epoch in range(epochs):
            shuffled = torch.Generator().manual_seed(seed * 10_007 + epoch)
            order = torch.randperm(len(examples), generator=shuffled).tolist()
            total, began = 0.0, time.monotonic()
            for prepared in batches(examples, order, batch, image_size, seed=seed * 10_007 + epoch):
                with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                    loss = detector.loss(prepared.images_B3HW.to(device), prepared.boxes)
                if not torch.isfinite(loss):
                    raise InputError(
                        f"{description or 'a detector'}: the loss became {loss.item()} in epoch {epoch + 1}; "
                        "lower detect.learning_rate or detect.pretrain_rate"
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(detector.network.parameters(), _CLIP)
                optimizer.step()
                schedule.step()
                if averaged is not None:
                    _average(averaged, detector.network.state_dict(), memory)
                total += loss.item() * len(prepared.boxes)
                progress.update(task, advance=1, note=f"loss {loss.item():.2f}")
            means.append(total / len(examples))
            if description is not None:
                report(description, "epoch", epoch + 1, epochs, {"loss": means[-1]}, time.monotonic() - began)
    for parameter in frozen:
        parameter.requires_grad_(True)
    if averaged is not None:
        detector.network.load_state_dict(averaged)
    return means


def _average(averaged: dict[str, Tensor], current: dict[str, Tensor], memory: float) -> None:
    for name, value in averaged.items():
        if value.is_floating_point():
            value.lerp_(current[name], 1 - memory)


def detect(
    detector: Predictor, examples: Sequence[Example], *, image_size: int, device: torch.device
) -> Iterator[tuple[str, list[Detection]]]:
    """Yield (pair_id, detections in pixels of the image), in the order of the examples.

    One image at a time: in a batch the smaller would be padded to the largest, and what is found in an image
    would depend on its neighbours.
    """
    detector.to(device)
    for prepared in batches(examples, range(len(examples)), 1, image_size):
        (found,) = detector.predict(prepared.images_B3HW.to(device))
        yield prepared.pair_ids[0], [_off_canvas(item, prepared.frames[0]) for item in found]


def _off_canvas(item: Detection, frame: Frame) -> Detection:
    return Detection(
        item.category,
        item.score,
        (item.x - frame.left) / frame.scale,
        (item.y - frame.top) / frame.scale,
        item.w / frame.scale,
        item.h / frame.scale,
    )


def _rate(step: int, steps: int) -> float:
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _groups(network: nn.Module) -> list[dict[str, object]]:
    """Return parameter groups of the optimiser: only kernels get weight decay, not biases or normalisation."""
    trained = [value for value in network.parameters() if value.requires_grad]
    kernels = [value for value in trained if value.ndim > 1]
    others = [value for value in trained if value.ndim <= 1]
    return [{"params": kernels, "weight_decay": _WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]


def known_boxes(boxes: Sequence[Box], categories: Sequence[str]) -> tuple[Box, ...]:
    """Return the boxes of the categories that a detector knows."""
    return tuple(box for box in boxes if box.category in categories)
