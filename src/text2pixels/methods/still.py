"""Reading a pair of image files, writing a fused one."""

from pathlib import Path

import cv2

from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image.colour import Image8
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.door import check_pair
from text2pixels.methods.pairing import IMAGES


def read_pair(infrared: Path, visible: Path) -> tuple[Image8, Image8]:
    """Read an infrared image (H, W) and a visible one (H, W, 3) of one size.

    Raises:
        InputError: one cannot be read, or the sizes differ.
    """
    pair = read_gray(infrared), read_rgb(visible)
    try:
        check_pair(*pair)
    except InputError as error:
        raise InputError(f"{infrared}, {visible}: {error}") from error
    return pair


def check_suffix(path: Path) -> None:
    """Make sure that an image can be written there.

    Raises:
        InputError: no image format has that suffix.
    """
    if path.suffix.lower() not in IMAGES:
        raise InputError(f"cannot write {path}: an image ends in {', '.join(IMAGES)}")


def write_image(path: Path, image: Image8) -> None:
    """Write gray (H, W) or RGB (H, W, 3), whole or not at all; the suffix says the format.

    Raises:
        InputError: no image format has that suffix.
    """
    check_suffix(path)
    coded = cv2.imencode(path.suffix.lower(), image if image.ndim == 2 else image[..., ::-1].copy())[1]
    with whole_file(path) as aside:
        aside.write_bytes(coded.tobytes())
