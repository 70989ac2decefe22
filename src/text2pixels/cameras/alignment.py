"""The infrared onto the visible frame before they are fused: as it is, by a rig's transform, or by one found here.

A rig is two cameras fixed to one another: one transform holds for all their pairs. It is found from one pair or,
better, from many.

Shapes: H, W image; 3 RGB channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.cameras.view import Field, View
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image import Image8, luminance, quantise, read_infrared, read_visible
from text2pixels.image.png import write_png
from text2pixels.methods.method import check_pair
from text2pixels.progress import track
from text2pixels.registration.estimate import RIG_PAIRS, Estimate, confirms, estimate, estimate_rig
from text2pixels.registration.files import Rig
from text2pixels.registration.frames import field_of_view, resample
from text2pixels.registration.overlay import overlay
from text2pixels.sampling import spread

_SHOWN = 3  # pairs in the picture


class Aligner:
    """Makes views of a rig's pairs; where the infrared lies in the visible frame is worked out once for all of them."""

    def __init__(self, rig: Rig) -> None:
        """Take the transform.

        Raises:
            InputError: it moves the infrared out of the visible frame.
        """
        self.rig = rig
        self._seen_HW = field_of_view(rig.infrared_size, rig.matrix, rig.visible_size)
        self.field = Field(self._seen_HW)

    def view(self, infrared: Image8, visible_HW3: Image8, opaque: NDArray[np.bool_] | None = None) -> View:
        """Return the pair pixel on pixel.

        Args:
            infrared: gray, of the size that the transform was found for.
            visible_HW3: RGB, likewise.
            opaque: True where the pixels of the infrared file are not transparent; None: all are opaque.

        Raises:
            InputError: an image has another size.
        """
        for noun, image, size in (
            ("infrared", infrared, self.rig.infrared_size),
            ("visible", visible_HW3, self.rig.visible_size),
        ):
            if image.shape[:2] != size:
                raise InputError(
                    f"the {noun} is {image.shape[1]}x{image.shape[0]} pixels, the transform was found with "
                    f"{size[1]}x{size[0]}: register images of this size"
                )
        infrared_HW = resample(infrared, self.rig.matrix, self.rig.visible_size)
        field: Field | None = self.field
        if opaque is not None:
            seen = resample(opaque.astype(np.uint8) * np.uint8(255), self.rig.matrix, self.rig.visible_size) == 255
            field = Field(self._seen_HW & seen)
        return View(infrared_HW, visible_HW3, field if field is not None and field.share < 1 else None)


def aligner_of(rig: Rig) -> Aligner:
    """Return the aligner of a rig, made once in a process: its field costs more than warping a frame.

    Raises:
        InputError: see `Aligner`.
    """
    return _aligner(rig.matrix.tobytes(), rig.infrared_size, rig.visible_size, rig.status)


@lru_cache(maxsize=4)
def _aligner(matrix: bytes, infrared: tuple[int, int], visible: tuple[int, int], status: str) -> Aligner:
    return Aligner(Rig(np.frombuffer(matrix).reshape(3, 3), infrared, visible, status))


def as_they_are(infrared_HW: Image8, visible_HW3: Image8, opaque_HW: NDArray[np.bool_] | None = None) -> View:
    """Return the view of a pair that is aligned already.

    Raises:
        InputError: the sizes differ, or are too small.
    """
    check_pair(infrared_HW, visible_HW3)
    return View(infrared_HW, visible_HW3, None if opaque_HW is None else Field(opaque_HW))


def found(infrared: Image8, visible_HW3: Image8) -> tuple[Aligner, Estimate]:
    """Find the transform of one pair.

    Raises:
        InputError: none could be verified.
    """
    estimated = estimate(infrared, quantise(luminance(visible_HW3)))
    return Aligner(rig_of(estimated, infrared, visible_HW3)), estimated


def rig_of(estimated: Estimate, infrared: Image8, visible: Image8) -> Rig:
    """Return an estimate as the transform of all images of these sizes.

    Raises:
        InputError: no transform could be verified.
    """
    if estimated.status == "failed":
        raise InputError(
            f"no transform between the two cameras could be verified: {estimated.reason}; t2p register --overlay "
            "shows a pair, --matrix takes a transform from elsewhere"
        )
    infrared_size, visible_size = infrared.shape[:2], visible.shape[:2]
    return Rig(
        estimated.matrix, (infrared_size[0], infrared_size[1]), (visible_size[0], visible_size[1]), estimated.status
    )


@dataclass(frozen=True)
class RigEstimate:
    """The transform of a rig, found from several pairs.

    Attributes:
        estimate: transform, status and residual, from all pairs together.
        pairs: infrared and visible, gray, that it was made from.
        confirmed: how many of the pairs, each by itself, confirm the transform.
    """

    estimate: Estimate
    pairs: Sequence[tuple[Image8, Image8]]
    confirmed: int

    def rig(self) -> Rig:
        """Return the transform of all images of these cameras.

        Raises:
            InputError: no transform could be verified.
        """
        return rig_of(self.estimate, *self.pairs[0])

    def summary(self) -> str:
        """Return in one line what the transform rests on."""
        estimate = self.estimate
        reason = f" ({estimate.reason})" if estimate.reason else ""
        return (
            f"one transform for all, from {len(self.pairs)} pairs: {estimate.status}{reason}, estimated error "
            f"{estimate.residual_px:.1f} px at the corners; {self.confirmed} of them confirm it by themselves"
        )

    def confirmation(self) -> str:
        """Return in one line how many pairs confirm the transform."""
        return f"pairs     {self.confirmed} of {len(self.pairs)} confirm it by themselves"

    def write_picture(self, path: Path) -> None:
        """Write the overlays of up to three of the pairs, one below the other, as PNG."""
        caption = f"{self.estimate.status}, estimated error {self.estimate.residual_px:.1f} px"
        panels = [overlay(*pair, self.estimate.matrix, caption) for pair in spread(self.pairs, _SHOWN)]
        with whole_file(path) as aside:
            write_png(aside, np.vstack(panels))


def rig_from_pairs(pairs: Sequence[tuple[Image8, Image8]]) -> RigEstimate:
    """Estimate the transform of a rig from pairs of gray images, of one size for each camera.

    Raises:
        InputError: see `estimate_rig`.
    """
    estimate = estimate_rig(pairs)
    confirmed = 0 if estimate.status == "failed" else sum(confirms(estimate, *pair) for pair in pairs)
    return RigEstimate(estimate, pairs, confirmed)


def rig_from_files(files: Sequence[tuple[Path, Path]]) -> RigEstimate:
    """Estimate the transform of a rig from files, of which `RIG_PAIRS` evenly spread ones are read.

    Raises:
        InputError: a file that cannot be read, or sizes that differ from pair to pair.
    """
    chosen = spread(files, RIG_PAIRS)
    if odd := unequal(chosen):
        raise InputError(
            f"{odd}: cameras fixed to one another have one size each, so there is no one transform for all of these; "
            "take the images as they were before they were cut, or t2p fuse --register, which finds that of each pair"
        )
    pairs = [
        (read_infrared(infrared), quantise(luminance(read_visible(visible))))
        for infrared, visible in track(chosen, "read pairs of the rig")
    ]
    return rig_from_pairs(pairs)


def unequal(files: Sequence[tuple[Path, Path]]) -> str:
    """Name two images of one camera that differ in size; "" where all of each camera are of one size."""
    for side in zip(*files, strict=True):
        sizes = {path: _size_of(path) for path in side}
        other = next((path for path, size in sizes.items() if size != sizes[side[0]]), None)
        if other is not None:
            return " and ".join(f"{path} is {_pixels(sizes[path])}" for path in (side[0], other))
    return ""


def _size_of(path: Path) -> tuple[int, int] | None:
    """Return an image's (width, height) as its header has it, upright or not; None where it has none."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError):
        return None


def _pixels(size: tuple[int, int] | None) -> str:
    return "of no size that can be read" if size is None else f"{size[0]}x{size[1]}"
