"""From a file of any kind to its pixels: upright, without transparency, no value changed.

Pillow decodes, but for colour of 16 bits a channel, which it would cut to 8: that is OpenCV's part.
The header is judged before a pixel is decoded.
"""

import logging
import os
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from text2pixels.errors import Unusable
from text2pixels.image.orientation import upright

SUFFIXES = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAXIMUM_PIXELS = 80_000_000  # beyond the cameras of this field; as RGB they take 240 MB

Pixels = NDArray[Any]  # uint8, uint16, int16 or float32; (H, W), or (H, W, 3) in RGB order

_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # Pillow's names for those suffixes
_BITS, _SAMPLE_FORMAT = 258, 339  # TIFF tags
_DEPTHS = {(bits, 1) for bits in (1, 2, 4, 8, 12, 16)} | {(16, 2), (32, 3)}  # unsigned, signed, floating point
_MEND_DEPTH = "export 8 or 16 bits, or 32-bit floating point"
# What the decoders raise on broken files, found by flipping bits.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, MemoryError, cv2.error)

_ONE_AT_A_TIME = threading.Lock()  # a second thread would save the silence as what to restore
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what Pillow logs of a broken file


def decode(path: Path, notes: list[str], *, flat: bool = True) -> Pixels:
    """Read an image file.

    Args:
        path: A regular file; its content, not its suffix, says of which format it is.
        notes: Receives a line for what of the file does not show in the pixels: further pages, transparency.
        flat: Compose what is transparent over black; otherwise opacity comes along, as a fourth channel.

    Raises:
        Unusable: missing, no regular file, broken, of no known format or depth, or too many pixels.
    """
    _check_file(path)
    with _faults_in_one_line(path), path.open("rb") as stream:
        return _decode(Image.open(stream, formats=_FORMATS), path, notes, flat)


def pixels_of(image: Image.Image, source: Path | str, notes: list[str]) -> Pixels:
    """Return the pixels of a Pillow image, upright and without transparency; ``source`` names it in what is said.

    Raises:
        Unusable: broken, or of a depth that is not read.
    """
    with _faults_in_one_line(source):
        image.load()
        return upright(_flat(_array(image, source), source, notes), image, source, notes)


@contextmanager
def _faults_in_one_line(source: Path | str) -> Iterator[None]:
    try:
        # Pillow warns of what it passes over in a header; what matters of that is an error or a note here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Unusable:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large("its header promises far more pixels than a camera has", source) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        problem = f"cut short, or no image of a kind that is read here: {_MEND_DEPTH}, as one of {kinds}"
        raise Unusable("unreadable", problem, source) from error
    except _DAMAGE as error:
        said = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise Unusable("unreadable", f"damaged or locked ({said}): copy or export it again", source) from error


def _check_file(path: Path) -> None:
    """Make sure that reading the file ends: a pipe or a device may go on for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise Unusable("unreadable", f"{error.strerror}: check the path", path) from error
    if stat.S_ISDIR(mode):
        raise Unusable("unreadable", "a folder, where an image file was expected", path)
    if not stat.S_ISREG(mode):
        raise Unusable("unreadable", "a pipe or a device: save the image to a file first", path)
    if not path.stat().st_size:
        raise Unusable("unreadable", "the file is empty: copy or export it again", path)


def _too_large(found: str, source: Path | str) -> Unusable:
    return Unusable("too_large", f"{found}; at most {MAXIMUM_PIXELS:,} are read: scale or crop it", source)


def _decode(image: ImageFile.ImageFile, path: Path, notes: list[str], flat: bool) -> Pixels:
    if image.width * image.height > MAXIMUM_PIXELS:
        raise _too_large(f"{image.width}x{image.height} pixels", path)
    if image.format == "PNG":
        # Decoding stops at the last pixel; only this reads every checksum.
        with path.open("rb") as stream:
            Image.open(stream, formats=("PNG",)).verify()
    pages = getattr(image, "n_frames", 1)
    if pages > 1:
        notes.append(f"{path}: page 1 of {pages} is read")
    # Pillow calls the layout in the file RGB;16B or the like, and what it makes of it RGB.
    wide = image.mode in ("RGB", "RGBA", "LA") and bool(image.tile) and ";16" in str(image.tile[0].args)
    with quiet() if image.format == "TIFF" or wide else nullcontext():  # libtiff and libpng print their warnings
        image.load()
        pixels = _wide_colour(path) if wide else _array(image, path)
    return upright(_flat(pixels, path, notes) if flat else pixels, image, path, notes)


def _wide_colour(path: Path) -> Pixels:
    """Decode colour of 16 bits a channel; (H, W, 3), or (H, W, 4) with transparency."""
    # From memory, as OpenCV does not open every name; the flag keeps depth, transparency and, but in TIFF, the turn.
    pixels: Pixels | None = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("colour of 16 bits that cannot be decoded")
    return pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]


def _array(image: Image.Image, source: Path | str) -> Pixels:
    """Return the values as they are: (H, W), (H, W, 3), or (H, W, 4) with transparency."""
    if image.format == "TIFF":
        _check_tiff_depth(image, source)
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)  # in the machine's byte order
    if image.mode == "I":  # Pillow's 32 bits stand for 16 with a sign in TIFF, and for 16 without elsewhere
        counts = np.array(image)
        narrow: Pixels = counts.astype(np.int16 if image.format == "TIFF" else np.uint16)
        if (narrow != counts).any():
            raise Unusable("unsupported_depth", f"more than 16 bits a value: {_MEND_DEPTH}", source)
        return narrow
    if image.mode == "F":
        return np.array(image)
    if image.has_transparency_data:
        return np.array(image.convert("RGBA"))
    if image.mode in ("L", "RGB"):
        return np.array(image)
    return np.array(image.convert("L" if image.mode == "1" else "RGB"))  # palettes, CMYK, YCbCr


def _check_tiff_depth(image: Image.Image, source: Path | str) -> None:
    tags = getattr(image, "tag_v2", {})
    bits, kinds = tags.get(_BITS, (1,)), tags.get(_SAMPLE_FORMAT, (1,))
    if any((size, kind) not in _DEPTHS for size in bits for kind in kinds):
        names = {1: "unsigned", 2: "signed", 3: "floating point"}
        found = f"{max(bits)} bits a value, {names.get(max(kinds), 'of another kind')}"
        raise Unusable("unsupported_depth", f"{found}: {_MEND_DEPTH}", source)


def _flat(pixels: Pixels, source: Path | str, notes: list[str]) -> Pixels:
    """Compose what is transparent over black: colours that nobody saw in the image must not show."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    colour, opacity = pixels[..., :3], pixels[..., 3:]
    full = np.iinfo(pixels.dtype).max
    if (opacity == full).all():
        return colour
    notes.append(f"{source}: transparent in part, which counts as black")
    product = colour.astype(np.uint32) * opacity
    flat: Pixels = ((product + full // 2) // full).astype(pixels.dtype)
    return flat


@contextmanager
def quiet() -> Iterator[None]:
    """Send the process's standard error to nowhere within the block: what libraries print, they also report."""
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # closed: nobody hears anything
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(nowhere)
            os.close(kept)
