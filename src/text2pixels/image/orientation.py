"""Which way up: the orientation that a camera wrote into EXIF."""

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.errors import Unusable

_TAG = 0x0112
_UPRIGHT = (0, 1)  # 0 stands for "not known" in many cameras' files
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def upright(pixels: NDArray[Any], image: Image.Image, source: Path | str, notes: list[str]) -> NDArray[Any]:
    """Turn pixels (H, W, …) as the EXIF orientation of the loaded image says.

    Raises:
        Unusable: the EXIF block is broken, so that nobody knows which way is up.
    """
    if image.format == "TIFF":  # Pillow and OpenCV turn it while they decode
        return pixels
    orientation = _read(image, source)
    if orientation in _TURNS:
        return np.ascontiguousarray(_TURNS[orientation](pixels))
    if orientation not in _UPRIGHT:
        notes.append(f"{source}: its EXIF orientation {orientation!r} is none of 1 to 8, so it is read as it lies")
    return pixels


def _read(image: Image.Image, source: Path | str) -> object:
    """Return the orientation; 1 where none is given."""
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        try:
            if block := image.info.get("exif"):
                Image.Exif().load(block)  # again: of a JPEG, Pillow has kept quiet what it could not read
            orientation = image.getexif().get(_TAG)
        except (SyntaxError, ValueError, TypeError, LookupError, struct.error, OSError) as error:
            raise _broken(error, source) from error
    if orientation is None and doubts:
        raise _broken(doubts[0].message, source)
    return 1 if orientation is None else orientation


def _broken(what: object, source: Path | str) -> Unusable:
    said = " ".join(str(what).split())
    problem = f"its EXIF block is broken ({said}), so which way is up is not known: remove it or export the image again"
    return Unusable("unreadable", problem, source)
