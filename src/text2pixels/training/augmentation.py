"""Augmentation of each image alone: what other cameras, other weather or a fault would have made of it.

Another camera or other weather changes what there is to fuse, so the losses judge the fused image by the changed
pair. A fault shows what is not there, or hides what is: the network sees it, and the losses do not:

    noise             they see none
    shifted infrared  by one to three pixels, as after a poor alignment: they see it in its place
    border            no infrared along one or two sides, as after warping: they see the visible image there

Shapes: B batch; 1 channel; H, W image; images in [0, 1].
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from text2pixels.training.pairs import Crops

# Shares of the augmented images that each thing happens to.
_VARIED, _BLACK_HOT, _NOISY = 0.7, 0.1, 0.3
_WEATHER, _SHIFTED, _BORDERED = 0.3, 0.2, 0.1
# How far each goes.
_LOG_GAMMA, _GAIN, _OFFSET, _NOISE = 0.4, 0.3, 0.1, 0.04
_VEIL, _THINNED, _AIRLIGHT = (0.2, 0.7), (0.3, 1.0), (0.5, 0.9)
_LAMPS, _LAMP_SIZE, _LAMP_LIGHT = 3, (0.02, 0.15), (0.8, 2.0)  # at most; in sides of the image; white is 1
_SHIFT = (1.0, 3.0)  # pixels
_BORDER = (0.02, 0.2)  # of a side


def augment(crops: Crops, share: float, rngs: Sequence[np.random.Generator]) -> Crops:
    """Return a batch some of whose pairs are augmented.

    Args:
        crops: on the CPU.
        share: of the pairs that are augmented, in [0, 1].
        rngs: one for each pair: what happens to it does not depend on its neighbours.
    """
    seen, judged = [], []
    for infrared_1HW, visible_1HW, rng in zip(crops.infrared_B1HW, crops.visible_B1HW, rngs, strict=True):
        pair = infrared_1HW, visible_1HW
        if rng.random() >= share:
            seen.append(pair)
            judged.append(pair)
            continue
        infrared_1HW, visible_1HW = other_cameras(*pair, rng)
        visible_1HW = _other_weather(visible_1HW, rng)
        missing_1HW = _border(infrared_1HW, rng)
        faulty_1HW = noisy(_displaced(infrared_1HW, rng), rng).masked_fill(missing_1HW, 0)
        seen.append((faulty_1HW, noisy(visible_1HW, rng)))
        judged.append((torch.where(missing_1HW, visible_1HW, infrared_1HW), visible_1HW))
    infrared_B1HW, visible_B1HW = (torch.stack(images) for images in zip(*seen, strict=True))
    first_B1HW, second_B1HW = (torch.stack(images) for images in zip(*judged, strict=True))
    return Crops(infrared_B1HW, visible_B1HW, crops.chroma_B3HW, crops.boxes, (first_B1HW, second_B1HW))


def other_cameras(infrared_1HW: Tensor, visible_1HW: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return a pair as two other cameras would have seen it: gamma, gain and offset of each, black-hot infrared."""
    images = []
    for image_1HW in (infrared_1HW, visible_1HW):
        if rng.random() < _VARIED:
            gamma, gain = math.exp(rng.uniform(-_LOG_GAMMA, _LOG_GAMMA)), 1 + rng.uniform(-_GAIN, _GAIN)
            image_1HW = (image_1HW**gamma * gain + rng.uniform(-_OFFSET, _OFFSET)).clamp(0, 1)
        images.append(image_1HW)
    return 1 - images[0] if rng.random() < _BLACK_HOT else images[0], images[1]


def noisy(image_1HW: Tensor, rng: np.random.Generator) -> Tensor:
    """Return an image with the noise of some camera, which is often none."""
    return with_noise(image_1HW, rng.uniform(0, _NOISE), rng) if rng.random() < _NOISY else image_1HW


def _other_weather(visible_1HW: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() >= _WEATHER:
        return visible_1HW
    if rng.random() < 0.5:
        thickest = rng.uniform(*_VEIL)
        return in_fog(visible_1HW, thickest, thickest * rng.uniform(*_THINNED), rng.uniform(*_AIRLIGHT))
    for _ in range(rng.integers(1, _LAMPS + 1)):
        place = rng.uniform(), rng.uniform()
        visible_1HW = with_lamp(visible_1HW, place, rng.uniform(*_LAMP_SIZE), rng.uniform(*_LAMP_LIGHT))
    return visible_1HW


def _displaced(infrared_1HW: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() >= _SHIFTED:
        return infrared_1HW
    length, angle = rng.uniform(*_SHIFT), rng.uniform(0, 2 * math.pi)
    return shifted(infrared_1HW, length * math.cos(angle), length * math.sin(angle))


def _border(image_1HW: Tensor, rng: np.random.Generator) -> Tensor:
    """Return where there is no infrared, (1, H, W), which is nowhere most often."""
    missing_1HW = torch.zeros_like(image_1HW, dtype=torch.bool)
    if rng.random() >= _BORDERED:
        return missing_1HW
    dimensions = ((1,), (2,), (1, 2))[rng.integers(3)]
    for dimension in dimensions:
        side = image_1HW.shape[dimension]
        pixels = max(1, round(rng.uniform(*_BORDER) * side))
        missing_1HW.narrow(dimension, 0 if rng.random() < 0.5 else side - pixels, pixels).fill_(True)
    return missing_1HW


def with_noise(image_1HW: Tensor, deviation: float, rng: np.random.Generator) -> Tensor:
    """Return an image with Gaussian noise."""
    noise = rng.normal(0, deviation, image_1HW.shape).astype(np.float32)
    return (image_1HW + torch.from_numpy(noise)).clamp(0, 1)


def in_fog(image_1HW: Tensor, top: float, bottom: float, airlight: float) -> Tensor:
    """Return an image in fog, by Koschmieder's law: (1 - veil) image + veil airlight.

    Args:
        image_1HW: without fog.
        top: the veil in the first row, in [0, 1]; between it and the last row it changes linearly.
        bottom: the veil in the last row.
        airlight: brightness of the fog itself, in [0, 1].
    """
    veil_H1 = torch.linspace(top, bottom, image_1HW.shape[1])[:, None]
    return image_1HW * (1 - veil_H1) + airlight * veil_H1


def with_lamp(image_1HW: Tensor, place: tuple[float, float], size: float, light: float) -> Tensor:
    """Return an image with the light of a lamp added, which fades like a Gaussian; above 1 it is overexposed.

    Args:
        image_1HW: without it.
        place: row and column, in heights and widths of the image.
        size: the Gaussian's deviation, in longest sides of the image.
        light: that is added in the middle.
    """
    height, width = image_1HW.shape[1:]
    rows_H1, columns_W = torch.arange(height)[:, None], torch.arange(width)
    distance_HW = (rows_H1 - place[0] * height) ** 2 + (columns_W - place[1] * width) ** 2
    return (image_1HW + light * torch.exp(-distance_HW / (2 * (size * max(height, width)) ** 2))).clamp(0, 1)


def shifted(image_1HW: Tensor, right: float, down: float) -> Tensor:
    """Return an image shifted by pixels and parts of pixels, bilinear; borders are repeated."""
    height, width = image_1HW.shape[1:]
    theta_123 = torch.tensor([[[1.0, 0.0, -2 * right / width], [0.0, 1.0, -2 * down / height]]])
    grid_1HW2 = F.affine_grid(theta_123, [1, 1, height, width], align_corners=False)
    return F.grid_sample(image_1HW[None], grid_1HW2, padding_mode="border", align_corners=False)[0]
