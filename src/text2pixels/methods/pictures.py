"""What people hand in as an image, to 8-bit arrays and back.

Shapes: H, W image; C channels, 1 or 3.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Image8 = NDArray[np.uint8]
Picture: TypeAlias = "NDArray[Any] | Image.Image | Tensor"
GiveBack = Callable[[Image8], Picture]


def to_8_bits(picture: Picture, name: str) -> tuple[Image8, GiveBack]:
    """Return an image as 8 bits, (H, W) or (H, W, 3), and the function that gives one back in kind.

    Args:
        picture: a numpy array (H, W) or (H, W, 3), a tensor (H, W), (1, H, W) or (3, H, W), or a PIL
            image. Integers are 8 bits, floating point is in [0, 1].
        name: for messages.

    Raises:
        InputError: another kind, shape, type or range.
    """
    if isinstance(picture, Image.Image):
        if picture.mode not in ("L", "RGB"):
            raise InputError(f"{name}: a PIL image should have mode L or RGB, found {picture.mode}; .convert it")
        return np.asarray(picture), Image.fromarray
    if _is_tensor(picture):
        return _tensor_to_8_bits(picture, name)
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


def _tensor_to_8_bits(tensor: "Tensor", name: str) -> tuple[Image8, GiveBack]:
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


def _quantise(array: NDArray[Any], name: str) -> Image8:
    if not array.size:
        raise InputError(f"{name}: the image is empty, its shape is {array.shape}")
    if array.dtype == np.uint8:
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
