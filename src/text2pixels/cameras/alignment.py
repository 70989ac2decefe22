"""The infrared onto the visible frame before they are fused: as it is, by a rig's transform, or by one found here.

Shapes: H, W image; 3 RGB channels.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from text2pixels.cameras.view import Field, View
from text2pixels.errors import InputError
from text2pixels.image.colour import Image8, luminance, quantise
from text2pixels.methods.method import check_pair
from text2pixels.registration.estimate import Estimate, estimate
from text2pixels.registration.files import Rig
from text2pixels.registration.frames import field_of_view, resample


class Aligner:
    """Makes views of pairs whose cameras are fixed to one another; the field is worked out once."""

    def __init__(self, rig: Rig) -> None:
        """Take the transform.

        Raises:
            InputError: it takes the infrared out of the visible frame.
        """
        self.rig = rig
        self._seen_HW = field_of_view(rig.infrared_size, rig.matrix, rig.visible_size)
        self.field = Field(self._seen_HW)

    def view(self, infrared: Image8, visible_HW3: Image8, opaque: NDArray[np.bool_] | None = None) -> View:
        """Return the pair pixel on pixel.

        Args:
            infrared: gray, of the size that the transform was found for.
            visible_HW3: RGB, likewise.
            opaque: where the infrared image holds any, as its file says; None: everywhere.

        Raises:
            InputError: another size.
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
