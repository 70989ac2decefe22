"""What people hand in as an image, to 8-bit arrays and back.

Shapes: H, W image; C channels, 1 or 3.
"""

import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.errors import InputError
from text2pixels.image.colour import Image8
from text2pixels.image.decode import pixels_of
from text2pixels.image.reader import to_infrared, to_visible

if TYPE_CHECKING:
    from torch import Tensor

Picture: TypeAlias = "NDArray[Any] | Image.Image | Tensor"
GiveBack = Callable[[Image8], Picture]


def infrared_to_8_bits(picture: Picture) -> Image8:
    """Return a thermal image as 8-bit gray, (H, W), by the rules that hold for a file; see `image.reader`.

    Args:
        picture: a numpy array (H, W) or (H, W, 3), a tensor (H, W), (1, H, W) or (3, H, W), or a PIL image of
            any mode. Integers are 8 bits or 16-bit counts, floating point is in [0, 1].

    Raises:
        InputError: another kind, shape, type or range, or a colour palette.
    """
    notes: list[str] = []
    gray = to_infrared(_pixels(picture, "infrared", notes)[0], "infrared", None, notes)
    _warn(notes)
    return gray


def visible_to_8_bits(picture: Picture) -> tuple[Image8, GiveBack]:
    """Return a visible image as 8 bits, (H, W) or (H, W, 3), and the function that gives one back in kind.

    Args:
        picture: as for `infrared_to_8_bits`; the integers of arrays and tensors are 8 bits.

    Raises:
        InputError: another kind, shape, type or range.
    """
    notes: list[str] = []
    pixels, give_back = _pixels(picture, "visible", notes)
    if pixels.dtype != np.uint8 and not isinstance(picture, Image.Image):
        raise InputError(f"visible: expected 8 bits (uint8) or floating point in [0, 1], found {pixels.dtype}")
    rgb = to_visible(pixels, "visible", notes)
    _warn(notes)
    return rgb if pixels.ndim == 3 else np.ascontiguousarray(rgb[..., 0]), give_back


def _warn(notes: list[str]) -> None:
    for note in notes:
        warnings.warn(note, stacklevel=4)  # at the line that calls the fuser


def _pixels(picture: Picture, name: str, notes: list[str]) -> tuple[NDArray[Any], GiveBack]:
    """Return an image's values, floating point quantised, and the function that gives 8 bits back in kind."""
    if isinstance(picture, Image.Image):
        return pixels_of(picture, name, notes), Image.fromarray
    if _is_tensor(picture):
        return _tensor_pixels(picture, name)
    if not isinstance(picture, np.ndarray):
        raise InputError(f"{name}: expected a numpy array, a PIL image or a tensor, found {type(picture).__name__}")
    if picture.ndim != 2 and (picture.ndim != 3 or picture.shape[2] != 3):
        raise InputError(f"{name}: expected the shape (H, W) or (H, W, 3), found {picture.shape}")
    image = _quantise(picture, name)
    return image, lambda fused: fused if picture.dtype == np.uint8 else (fused / 255).astype(picture.dtype)


def _is_tensor(picture: object) -> TypeGuard["Tensor"]:
    """Say whether this is a tensor, without importing torch: whoever has a tensor has done so."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(picture, torch.Tensor)


def _tensor_pixels(tensor: "Tensor", name: str) -> tuple[NDArray[Any], GiveBack]:
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and tensor.shape[0] not in (1, 3)):
        raise InputError(f"{name}: expected a tensor (H, W), (1, H, W) or (3, H, W), found {tuple(tensor.shape)}")
    import torch

    # numpy has no bfloat16.
    array = (tensor.detach().float() if tensor.is_floating_point() else tensor.detach()).cpu().numpy()
    if tensor.ndim == 3:
        array = np.moveaxis(array, 0, 2) if len(array) == 3 else array[0]

    def give_back(fused: Image8) -> "Tensor":
        back = torch.from_numpy(np.ascontiguousarray(fused))
        if fused.ndim == 3:
            back = back.permute(2, 0, 1)
        elif tensor.ndim == 3:
            back = back[None]
        back = back / 255 if tensor.is_floating_point() else back
        return back.to(tensor.device, tensor.dtype)

    return _quantise(array, name), give_back


def _quantise(array: NDArray[Any], name: str) -> NDArray[Any]:
    if not array.size:
        raise InputError(f"{name}: the image is empty, its shape is {array.shape}")
    if array.dtype in (np.uint8, np.uint16, np.int16):
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name}: expected 8 bits (uint8) or floating point in [0, 1], found {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):  # not: NaN is out of range too
        raise InputError(
            f"{name}: floating point should be in [0, 1], found {array.min():.4g} to {array.max():.4g}; "
            "divide by the largest value the camera gives"
        )
    image: Image8 = np.floor(array.astype(np.float32) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return image
