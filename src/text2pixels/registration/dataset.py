"""One pair of an unaligned data set: find its transform, or take the set's, apply it, and crop to what both see."""

from dataclasses import dataclass, replace
from pathlib import Path

from text2pixels.datasets.manifest import Pair, Registration
from text2pixels.datasets.quarantine import Quarantined
from text2pixels.image.boxes import common_field, crop_boxes
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.registration.estimate import Estimate, estimate
from text2pixels.registration.frames import Image8, warp

SMALLEST_SIDE = 32  # pixels, of the common field


@dataclass(frozen=True)
class Aligned:
    """The pair as registered, None where it was rejected, and what was left out."""

    pair: Pair | None
    left_out: tuple[Quarantined, ...] = ()


@dataclass(frozen=True)
class SetTransform:
    """The transform of a whole set, and the shapes (height, width) of the infrared and visible images it holds for."""

    found: Estimate
    shapes: tuple[tuple[int, ...], tuple[int, ...]]


def read(folder: Path, pair: Pair) -> tuple[Image8, Image8]:
    """Return infrared and visible luminance, 8-bit gray; sizes may differ.

    Raises:
        InputError: an image of the manifest is missing or unreadable.
    """
    return read_gray(folder / pair.infrared), quantise(luminance(read_rgb(folder / pair.visible)))


def align(pair: Pair, source: Path, target: Path, rig: SetTransform | None = None) -> Aligned:
    """Bring a pair's infrared onto its visible frame and crop both to what both cameras see.

    A pair whose transform failed is rejected: its misaligned pixels would be fused, scored and trained on.

    Args:
        pair: a row of the manifest in ``source``.
        source: folder of the images as ingested.
        target: folder to write to.
        rig: the transform of the whole set; None estimates one from this pair alone.
    """
    infrared, visible = read(source, pair)
    if rig is not None and (infrared.shape, visible.shape) != rig.shapes:
        shapes = ((infrared.shape, visible.shape), rig.shapes)
        sizes = [" and ".join(f"{width}x{height}" for height, width in both) for both in shapes]
        return _rejected(pair, f"the images have {sizes[0]} pixels, those that the rig's transform is of {sizes[1]}")
    found = rig.found if rig is not None else estimate(infrared, visible)
    if found.status == "failed":
        return _rejected(pair, found.reason)
    warped, valid = warp(infrared, found.matrix, (visible.shape[0], visible.shape[1]))
    field = common_field(valid)
    if field is None or min(field.width, field.height) < SMALLEST_SIDE:
        return _rejected(pair, f"the cameras share less than {SMALLEST_SIDE} pixels a side")
    window = slice(field.y, field.y + field.height), slice(field.x, field.x + field.width)
    write_png(target / pair.infrared, warped[window])
    write_png(target / pair.visible, read_rgb(source / pair.visible)[window])
    boxes, outside = crop_boxes(pair.boxes, field)
    aligned = replace(
        pair,
        width=field.width,
        height=field.height,
        boxes=boxes,
        registration=Registration(found.method, found.status, found.residual_px),
    )
    left_out = tuple(
        Quarantined(
            pair.dataset,
            pair.name,
            "box",
            "box_outside",
            f"{box.category} at {box.x:.0f}, {box.y:.0f}: outside of what both cameras see after registration",
        )
        for box in outside
    )
    return Aligned(aligned, left_out)


def _rejected(pair: Pair, why: str) -> Aligned:
    return Aligned(None, (Quarantined(pair.dataset, pair.name, "pair", "unregistered", why),))
