"""A pair pixel on pixel, fused where there is infrared; elsewhere the visible image stays as it is.

A thermal camera that sees a part of the visible frame leaves pixels without infrared. They are not cold: read as
black, they would darken the fused image and draw the outline of the infrared into it.

Shapes: H, W image; 3 RGB channels; h, w the smallest upright rectangle that holds all infrared.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.image.colour import Image8, luminance, quantise
from text2pixels.methods.convention import fuse_picture
from text2pixels.methods.method import Method, Phrases

_SEAM = 0.06  # of the infrared's shorter side: wide enough that no edge shows, narrow enough to keep most of it
_NARROWEST, _WIDEST = 3.0, 48.0  # pixels
_SMALLEST = 32  # pixels a side, which every method can fuse


class Field:
    """Where in the visible frame there is infrared, and how the picture passes over into the visible image there."""

    def __init__(self, seen_HW: NDArray[np.bool_]) -> None:
        """Prepare what all frames of one field share.

        Args:
            seen_HW: True where there is infrared.

        Raises:
            InputError: there is too little infrared.
        """
        rows, columns = np.flatnonzero(seen_HW.any(axis=1)), np.flatnonzero(seen_HW.any(axis=0))
        if min(len(rows), len(columns)) < _SMALLEST:
            raise InputError(
                f"the infrared covers {len(columns)}x{len(rows)} pixels of the visible frame, at least {_SMALLEST} a "
                "side are needed: check that the images, or the matrix, belong together"
            )
        self.seen_HW = seen_HW
        self.share = float(seen_HW.mean())
        self._window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        inside_HW = cv2.distanceTransform(seen_HW.astype(np.uint8), cv2.DIST_L2, 5)
        seam = min(max(_SEAM * min(len(rows), len(columns)), _NARROWEST), _WIDEST)
        ramp_hw = np.clip((inside_HW[self._window] - 1) / seam, 0, 1)
        self._weight_hw1 = (ramp_hw * ramp_hw * (3 - 2 * ramp_hw))[..., None].astype(np.float32)
        self._nearest_hw = _nearest(seen_HW[self._window])

    def fuse(
        self, method: Method, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = (), *, gray: bool = False
    ) -> Image8:
        """Fuse the part that both cameras see into the visible image; see `fuse_view`."""
        infrared_hw = infrared_HW[self._window]
        if self._nearest_hw is not None:
            infrared_hw = infrared_hw.reshape(-1)[self._nearest_hw]
        visible_hw3 = visible_HW3[self._window]
        fused = fuse_picture(
            method, np.ascontiguousarray(infrared_hw), np.ascontiguousarray(visible_hw3), phrases, gray=gray
        )
        picture: Image8 = visible_HW3.copy() if fused.ndim == 3 else quantise(luminance(visible_HW3))
        rest_hw = picture[self._window].astype(np.float32)
        weight = self._weight_hw1 if fused.ndim == 3 else self._weight_hw1[..., 0]
        picture[self._window] = np.floor(rest_hw + weight * (fused - rest_hw) + np.float32(0.5)).astype(np.uint8)
        return picture


@dataclass(frozen=True)
class View:
    """A pair as it is fused: infrared (H, W), visible (H, W, 3), the field of the infrared; None: the whole frame."""

    infrared_HW: Image8
    visible_HW3: Image8
    field: Field | None = None


def fuse_view(method: Method, view: View, phrases: Phrases = (), *, gray: bool = False) -> Image8:
    """Fuse a pair as people see it: RGB (H, W, 3), or luminance (H, W) if asked for or all that the method gives.

    Where there is no infrared, the visible image comes back byte for byte.

    Raises:
        InputError: see `Method.fuse`.
    """
    if view.field is None:
        return fuse_picture(method, view.infrared_HW, view.visible_HW3, phrases, gray=gray)
    return view.field.fuse(method, view.infrared_HW, view.visible_HW3, phrases, gray=gray)


def _nearest(seen_hw: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return for each pixel the flat index of the nearest one with infrared; None where all have it.

    The pixels outside repeat those at the border of the infrared, so that a method finds no edge there.
    """
    if seen_hw.all():
        return None
    _, labels_hw = cv2.distanceTransformWithLabels(
        (~seen_hw).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index_of = np.zeros(labels_hw.max() + 1, np.intp)
    index_of[labels_hw[seen_hw]] = np.flatnonzero(seen_hw)
    nearest_hw: NDArray[np.intp] = index_of[labels_hw]
    return nearest_hw
