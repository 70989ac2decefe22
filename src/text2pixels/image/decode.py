"""From a file of any kind to its pixels: upright, without transparency, no value changed.

Pillow decodes everything except colour of 16 bits a channel, which it would cut to 8; OpenCV decodes that.
The size in the header is checked before any pixel is decoded. Then the image is turned as its EXIF orientation says.
"""

import logging
import os
import stat
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from text2pixels.errors import Unusable

SUFFIXES = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAXIMUM_PIXELS = 80_000_000  # beyond the cameras of this field; as RGB they take 240 MB

Pixels = NDArray[Any]  # uint8, uint16, int16 or float32; (H, W), or (H, W, 3) in RGB order

_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # Pillow's names for those suffixes
_BITS, _SAMPLE_FORMAT = 258, 339  # TIFF tags
_ORIENTATION = 0x0112  # EXIF tag
_UPRIGHT = (0, 1)  # 0 stands for "not known" in many cameras' files
_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
_DEPTHS = {(bits, 1) for bits in (1, 2, 4, 8, 12, 16)} | {(16, 2), (32, 3)}  # unsigned, signed, floating point
_MEND_DEPTH = "export 8 or 16 bits, or 32-bit floating point"
# What the decoders raise on broken files; found by flipping bits in good ones.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, MemoryError, cv2.error)

_ONE_AT_A_TIME = threading.Lock()  # in `quiet`: a second thread would take the silenced stderr for the original
logging.getLogger("PIL").addHandler(logging.NullHandler())  # or Python prints what Pillow logs of a broken file


def decode(path: Path, notes: list[str], *, flat: bool = True, counts: bool = False) -> Pixels:
    """Read an image file.

    Args:
        path: A regular file; its content, not its suffix, says of which format it is.
        notes: Receives a line for each thing in the file that the pixels do not show: further pages, transparency.
        flat: Compose transparent pixels over black; otherwise opacity is returned, as a fourth channel.
        counts: Return the values of a PGM of 10 to 15 bits as the file has them, as infrared needs; otherwise its
            largest value becomes that of 16 bits, white, as visible images mean it.

    Raises:
        Unusable: missing, no regular file, broken, of no known format or depth, or too many pixels.
    """
    _check_file(path)
    with _faults_in_one_line(path), path.open("rb") as stream:
        image = Image.open(stream, formats=_FORMATS)
        maximum = _maximum(image) if counts else None
        pixels = _decode(image, path, notes, flat)
        if maximum is not None:  # Pillow has spread the values over 16 bits
            pixels = np.round(pixels.astype(np.float64) * maximum / 65535).astype(np.uint16)
        return pixels


def _maximum(image: ImageFile.ImageFile) -> int | None:
    """Return the largest value that a PGM of more than 8 and less than 16 bits says it can hold; None for others."""
    if image.format != "PPM" or image.mode != "I":
        return None
    arguments = image.tile[0].args  # ("L", 4095); of 16 bits, a name
    return int(arguments[1]) if isinstance(arguments, tuple) else None


def pixels_of(image: Image.Image, source: Path | str, notes: list[str]) -> Pixels:
    """Return the pixels of a Pillow image, upright and without transparency; ``source`` names it in errors and notes.

    Raises:
        Unusable: broken, or of a depth that is not read.
    """
    with _faults_in_one_line(source):
        image.load()
        return _upright(_flat(_array(image, source), source, notes), image, source, notes)


@contextmanager
def _faults_in_one_line(source: Path | str) -> Iterator[None]:
    try:
        # Pillow warns of header entries that it skips. Those that matter are an error or a note here.
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
        # Decoding stops at the last pixel; only `verify` reads every checksum.
        with path.open("rb") as stream:
            Image.open(stream, formats=("PNG",)).verify()
    pages = getattr(image, "n_frames", 1)
    if pages > 1:
        notes.append(f"{path}: page 1 of {pages} is read")
    # Pillow names the layout in the file "RGB;16B" or the like, and the decoded image's mode "RGB".
    wide = image.mode in ("RGB", "RGBA", "LA") and bool(image.tile) and ";16" in str(image.tile[0].args)
    with quiet() if image.format == "TIFF" or wide else nullcontext():  # libtiff and libpng print their warnings
        image.load()
        pixels = _wide_colour(path) if wide else _array(image, path)
    return _upright(_flat(pixels, path, notes) if flat else pixels, image, path, notes)


def _wide_colour(path: Path) -> Pixels:
    """Decode colour of 16 bits a channel; (H, W, 3), or (H, W, 4) with transparency."""
    # From memory, as OpenCV does not open every file name. The flag keeps depth and transparency, and leaves the
    # orientation alone, except in TIFF.
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
    if image.mode == "I":  # 32 bits in Pillow: 16 signed ones in a TIFF file, 16 unsigned ones in any other
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
    """Compose transparent pixels over black: the colours beneath them, which no viewer shows, must not appear."""
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


def _upright(pixels: Pixels, image: Image.Image, source: Path | str, notes: list[str]) -> Pixels:
    """Turn pixels (H, W, …) as the EXIF orientation of the loaded image says.

    Raises:
        Unusable: the EXIF block is broken, so that nobody knows which way is up.
    """
    if image.format == "TIFF":  # Pillow and OpenCV have turned it while decoding
        return pixels
    orientation = _orientation(image, source)
    if orientation in _TURNS:
        return np.ascontiguousarray(_TURNS[orientation](pixels))
    if orientation not in _UPRIGHT:
        notes.append(f"{source}: its EXIF orientation {orientation!r} is none of 1 to 8, so it is read as it lies")
    return pixels


def _orientation(image: Image.Image, source: Path | str) -> object:
    """Return the orientation; 1 where none is given."""
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        try:
            if block := image.info.get("exif"):
                Image.Exif().load(block)  # once more: when Pillow opens a JPEG, it hides what it could not read
            orientation = image.getexif().get(_ORIENTATION)
        except (SyntaxError, ValueError, TypeError, LookupError, struct.error, OSError) as error:
            raise _broken_exif(error, source) from error
    if orientation is None and doubts:
        raise _broken_exif(doubts[0].message, source)
    return 1 if orientation is None else orientation


def _broken_exif(what: object, source: Path | str) -> Unusable:
    said = " ".join(str(what).split())
    problem = f"its EXIF block is broken ({said}), so which way is up is not known: remove it or export the image again"
    return Unusable("unreadable", problem, source)


@contextmanager
def quiet() -> Iterator[None]:
    """Discard the process's standard error within the block: the libraries also raise or return what they print."""
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # standard error is closed: there is nothing to silence
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
