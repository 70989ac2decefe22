"""The door to the metrics: 8-bit images in, one number per metric out."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.metrics.metric import Metric, Triple
from text2pixels.metrics.table import CONVENTIONS
from text2pixels.registry import look_up

Image8 = NDArray[np.uint8]
Convention = Literal["standard", "stretched"]


def score(
    fused_HW: Image8,
    infrared_HW: Image8,
    visible_HW: Image8,
    names: Iterable[str] | None = None,
    convention: Convention = "standard",
) -> dict[str, float]:
    """Return the metrics of one fused image, NaN where a metric is undefined.

    Args:
        fused_HW: 8-bit fused luminance.
        infrared_HW: 8-bit infrared image.
        visible_HW: 8-bit luminance of the visible image (`image.colour.luminance`, rounded).
        names: Which metrics; all of the convention if None.
        convention: See `metrics.table`.

    Raises:
        InputError: an image is not 8-bit gray, sizes differ, or a name is unknown.
    """
    images = {"fused": fused_HW, "infrared": infrared_HW, "visible": visible_HW}
    for name, image in images.items():
        if image.dtype != np.uint8 or image.ndim != 2 or image.size == 0:
            raise InputError(f"{name}: expected 8-bit gray (H, W), found {image.dtype} {image.shape}")
        if image.shape != fused_HW.shape:
            raise InputError(
                f"{name} is {_size(image)} and the fused image {_size(fused_HW)} pixels: they must have one size"
            )
    metrics = select(names, convention)
    triple = Triple(fused_HW, infrared_HW, visible_HW)
    return {metric.name: metric(triple) for metric in metrics}


def select(names: Iterable[str] | None, convention: Convention) -> list[Metric]:
    """Return the named metrics of a convention, all of them if ``names`` is None.

    Raises:
        InputError: a name is unknown.
    """
    table = CONVENTIONS[convention]
    noun = "metric" if convention == "standard" else f"metric of the convention {convention}"
    return list(table.values()) if names is None else [look_up(table, name, noun) for name in names]


def _size(image: Image8) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
