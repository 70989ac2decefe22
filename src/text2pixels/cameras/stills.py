"""Reading a pair of image files, writing a fused one."""

from pathlib import Path

import cv2

from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image import Image8, read_infrared, read_visible
from text2pixels.methods.method import check_pair

# What OpenCV writes as it is, or as near as the format allows.
OUTPUTS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")


def read_pair(infrared: Path, visible: Path, notes: list[str] | None = None) -> tuple[Image8, Image8]:
    """Read an infrared image (H, W) and a visible one (H, W, 3) of one size.

    Args:
        infrared: An image file.
        visible: An image file.
        notes: Receives a line for each thing of the files that the pixels do not show; see `read_infrared`.

    Raises:
        InputError: one cannot be read, or the sizes differ.
    """
    pair = read_infrared(infrared, notes=notes), read_visible(visible, notes)
    try:
        check_pair(*pair)
    except InputError as error:
        raise InputError(f"{infrared}, {visible}: {error}") from error
    return pair


def check_suffix(path: Path) -> None:
    """Make sure that an image can be written there.

    Raises:
        InputError: no image format that is written here has that suffix.
    """
    if path.suffix.lower() not in OUTPUTS:
        raise InputError(f"cannot write {path}: an image ends in {', '.join(OUTPUTS)}")


def write_image(path: Path, image: Image8) -> None:
    """Write gray (H, W) or RGB (H, W, 3), whole or not at all; the suffix says the format.

    Raises:
        InputError: no image format that is written here has that suffix.
    """
    check_suffix(path)
    coded = cv2.imencode(path.suffix.lower(), image if image.ndim == 2 else image[..., ::-1].copy())[1]
    with whole_file(path) as aside:
        aside.write_bytes(coded.tobytes())
