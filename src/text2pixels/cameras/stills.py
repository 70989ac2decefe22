"""Reading a pair of image files, writing a fused one."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.cameras.alignment import aligner_of, as_they_are, found
from text2pixels.cameras.view import View
from text2pixels.errors import InputError, Unusable
from text2pixels.files import whole_file
from text2pixels.image import Image8, read_infrared, read_infrared_field, read_visible
from text2pixels.image.decode import decode
from text2pixels.image.depth import Span, common_span
from text2pixels.image.reader import split_opacity
from text2pixels.methods.method import check_pair
from text2pixels.registration.files import Rig
from text2pixels.sampling import spread

# What OpenCV writes as it is, or as near as the format allows.
OUTPUTS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
SAMPLES = 24  # images that a folder's range is found from: more hardly widen it
_PNG_HEAD = 33  # bytes: signature and IHDR
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MARK = b"text2pixels\0"


@dataclass(frozen=True)
class Reading:
    """How the files of two cameras become views.

    Attributes:
        span: two values of infrared of more than 8 bits that become 0 and 255; None: found in each image.
        rig: the transform onto the visible frame; None: the infrared lies there already.
        register: find the transform of each pair by itself.
        unit: of ``span``: "K" or "C" as the user gave it; "" where it is in the counts of the files.
    """

    span: Span | None = None
    rig: Rig | None = None
    register: bool = False
    unit: str = ""

    def view(self, infrared: Path, visible: Path, notes: list[str]) -> View:
        """Read a pair, pixel on pixel.

        Raises:
            InputError: one cannot be read, the sizes do not fit, or no transform was found; the files are named.
        """
        if infrared.exists() and visible.exists() and infrared.samefile(visible):
            raise InputError(f"{infrared} and {visible} are one file: give the infrared image, then the visible one")
        scene = read_visible(visible, notes)
        gray = not (scene != scene[..., :1]).any()
        try:
            thermal, opaque = read_infrared_field(infrared, self.span, notes)
        except Unusable as error:
            if error.reason == "false_colour" and gray:
                raise InputError(f"{error}; {visible} is gray, so the two may be swapped") from error
            raise
        if gray:
            same = thermal.shape == scene.shape[:2] and (thermal == scene[..., 0]).all()
            what = "the same image as the infrared" if same else "gray, so what is fused of it has no colour"
            notes.append(
                f"{visible}: {what}; if the infrared and the visible image are swapped, give them the other way"
            )
        if opaque is None and _framed_in_black(thermal):
            notes.append(
                f"{infrared}: black along opposite edges, which is taken for cold; where its camera sees nothing, make "
                "it transparent, as t2p register --warped does"
            )
        try:
            if self.rig is not None:
                return aligner_of(self.rig).view(thermal, scene, opaque)
            if self.register:
                aligner, estimate = found(thermal, scene)
                if estimate.status != "good":
                    notes.append(f"{infrared}: the transform is {estimate.status}: {estimate.reason}")
                return aligner.view(thermal, scene, opaque)
            return as_they_are(thermal, scene, opaque)
        except InputError as error:
            raise InputError(f"{infrared}, {visible}: {error}") from error


def _framed_in_black(infrared_HW: Image8) -> bool:
    """Tell whether two opposite edges are black, as around a warped image; a cold sky blackens one edge only."""
    top, bottom, left, right = infrared_HW[0], infrared_HW[-1], infrared_HW[:, 0], infrared_HW[:, -1]
    return bool(infrared_HW.any()) and not ((top.any() or bottom.any()) and (left.any() or right.any()))


def read_pair(infrared: Path, visible: Path, notes: list[str] | None = None) -> tuple[Image8, Image8]:
    """Read an infrared image (H, W) and a visible one (H, W, 3) of one size.

    Args:
        infrared: An image file.
        visible: An image file.
        notes: Receives what the reader has to say of the files; see `read_infrared`.

    Raises:
        InputError: one cannot be read, or the sizes differ.
    """
    pair = read_infrared(infrared, notes=notes), read_visible(visible, notes)
    try:
        check_pair(*pair)
    except InputError as error:
        raise InputError(f"{infrared}, {visible}: {error}") from error
    return pair


def range_of(paths: Sequence[Path]) -> Span | None:
    """Return the one range for infrared images; None where none of them has more than 8 bits.

    It is found in `SAMPLES` evenly spread ones. Files that cannot be read are skipped here and reported when fused.
    """
    return common_span(_counts(spread(paths, SAMPLES)))


def any_deep(paths: Sequence[Path]) -> bool:
    """Say whether one of the images, of `SAMPLES` evenly spread ones, has more than 8 bits."""
    return any(counts.dtype != np.uint8 for counts in _counts(spread(paths, SAMPLES)))


def _counts(paths: list[Path]) -> Iterator[NDArray[Any]]:
    """Yield the values (H, W) of the images that can be read, 0 where they are transparent."""
    for path in paths:
        try:
            pixels, _ = split_opacity(decode(path, [], flat=False, counts=True), path)
        except Unusable:
            continue
        yield pixels if pixels.ndim == 2 else pixels[..., 0]


def check_suffix(path: Path) -> None:
    """Make sure that an image can be written there.

    Raises:
        InputError: no image format that is written here has that suffix.
    """
    if path.suffix.lower() not in OUTPUTS:
        raise InputError(f"cannot write {path}: an image ends in {', '.join(OUTPUTS)}")


def write_image(path: Path, image: Image8, mark: str = "") -> None:
    """Write gray (H, W) or RGB (H, W, 3), whole or not at all; the suffix says the format.

    Args:
        path: the file.
        image: the pixels.
        mark: text to store in a PNG, which `mark_of` reads.

    Raises:
        InputError: no image format that is written here has that suffix, or it takes no image of that size.
    """
    check_suffix(path)
    done, buffer = cv2.imencode(path.suffix.lower(), image if image.ndim == 2 else image[..., ::-1].copy())
    if not done:
        raise InputError(
            f"cannot write {path}: {path.suffix} takes no image of {image.shape[1]}x{image.shape[0]} pixels; try .png"
        )
    coded = buffer.tobytes()
    if mark:
        text = b"tEXt" + _MARK + mark.encode("ascii")
        chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        coded = coded[:_PNG_HEAD] + chunk + coded[_PNG_HEAD:]
    with whole_file(path) as aside:
        aside.write_bytes(coded)


def is_whole(path: Path) -> bool:
    """Tell whether a file ends as a PNG does."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - len(_PNG_END)))
        return stream.read() == _PNG_END


def mark_of(path: Path) -> str | None:
    """Return the mark that `write_image` left in a PNG; None where there is no file, no mark, or it is cut short."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_PNG_HEAD + 512)
    except OSError:
        return None
    start = _PNG_HEAD + 8
    if not is_whole(path) or head[_PNG_HEAD + 4 : start] != b"tEXt" or head[start : start + len(_MARK)] != _MARK:
        return None
    (length,) = struct.unpack(">I", head[_PNG_HEAD : _PNG_HEAD + 4])
    return head[start + len(_MARK) : start + length].decode("ascii", "replace")
