"""The one transform of two cameras that are fixed to one another, from many pairs of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from text2pixels.cameras.stills import gray_pair, size_of, spread
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image import Image8
from text2pixels.image.png import write_png
from text2pixels.progress import track
from text2pixels.registration.estimate import Estimate, confirms, estimate_rig
from text2pixels.registration.overlay import overlay

PAIRS = 16  # of a set, evenly spread: more add little, and all are held in memory
_SHOWN = 3  # pairs in the picture


@dataclass(frozen=True)
class RigEstimate:
    """A transform from several pairs.

    Attributes:
        estimate: transform, status and residual, from all pairs together.
        pairs: infrared and visible, gray, that it was made from.
        confirmed: how many of them stand out under this transform by themselves.
    """

    estimate: Estimate
    pairs: Sequence[tuple[Image8, Image8]]
    confirmed: int


def of_pairs(pairs: Sequence[tuple[Image8, Image8]]) -> RigEstimate:
    """Estimate the transform of a rig from pairs of gray images, of one size for each camera.

    Raises:
        InputError: see `estimate_rig`.
    """
    estimate = estimate_rig(pairs)
    confirmed = 0 if estimate.status == "failed" else sum(confirms(estimate, *pair) for pair in pairs)
    return RigEstimate(estimate, pairs, confirmed)


def of_files(files: Sequence[tuple[Path, Path]]) -> RigEstimate:
    """Estimate the transform of a rig from files, of which `PAIRS` evenly spread ones are read.

    Raises:
        InputError: a file that cannot be read, or sizes that differ from pair to pair.
    """
    chosen = spread(files, PAIRS)
    if odd := unequal(chosen):
        raise InputError(
            f"{odd}: cameras fixed to one another have one size each, so there is no one transform for all of these; "
            "take the images as they were before they were cut, or t2p fuse --register, which finds that of each pair"
        )
    return of_pairs([gray_pair(*pair) for pair in track(chosen, "read pairs of the rig")])


def unequal(files: Sequence[tuple[Path, Path]]) -> str:
    """Name two images of one camera that differ in size, as no camera's do by itself; "" where there are none."""
    for side in zip(*files, strict=True):
        sizes = {path: size_of(path) for path in side}
        other = next((path for path, size in sizes.items() if size != sizes[side[0]]), None)
        if other is not None:
            return " and ".join(f"{path} is {_pixels(sizes[path])}" for path in (side[0], other))
    return ""


def _pixels(size: tuple[int, int] | None) -> str:
    return "of no size that can be read" if size is None else f"{size[0]}x{size[1]}"


def summary(found: RigEstimate) -> str:
    """Return in one line what a transform rests on."""
    estimate = found.estimate
    reason = f" ({estimate.reason})" if estimate.reason else ""
    return (
        f"one transform for all, from {len(found.pairs)} pairs: {estimate.status}{reason}, estimated error "
        f"{estimate.residual_px:.1f} px at the corners; {found.confirmed} of them confirm it by themselves"
    )


def describe(found: RigEstimate) -> str:
    """Return in one line how many pairs confirm the transform."""
    return f"pairs     {found.confirmed} of {len(found.pairs)} confirm it by themselves"


def write_picture(found: RigEstimate, path: Path) -> None:
    """Write the overlays of up to three of the pairs, one below the other, as PNG."""
    caption = f"{found.estimate.status}, estimated error {found.estimate.residual_px:.1f} px"
    panels = [overlay(*pair, found.estimate.matrix, caption) for pair in spread(found.pairs, _SHOWN)]
    with whole_file(path) as aside:
        write_png(aside, np.vstack(panels))
