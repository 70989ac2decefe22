"""Any image file a publisher may offer, to the two forms of a processed data set.

Infrared becomes 8-bit gray (H, W), visible 8-bit RGB (H, W, 3), both upright (EXIF orientation applied).

Eight-bit values are kept as they are. Sixteen-bit infrared (raw sensor counts, of which a scene fills a
few hundred) is mapped linearly to 0..255, rounded half up:

- ``span`` given (the option ``infrared_range`` of a source): from those two counts, the same for every
  frame, so that a gray level stays a temperature;
- otherwise, all values at most 255, or all multiples of 257: 8-bit data in a wide container, unpacked;
- otherwise from the image's own 0.1 % and 99.9 % percentiles, which a few dead pixels cannot move.

Sixteen-bit visible is full range by convention and is divided by 257, not stretched.
"""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from text2pixels.image.colour import Image8

MAXIMUM_PIXELS = 80_000_000
PALETTE_SPREAD = 16  # levels between channels at the 99th percentile; JPEG noise on gray stays below
TAIL = 0.1  # per cent left out at either end of a 16-bit histogram

_ORIENTATION = 0x0112  # EXIF tag
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, cv2.error)  # what Pillow raises on broken files


class Unusable(Exception):
    """An image that cannot be taken in: a reason of quarantine.REASONS, and the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def read_infrared(path: Path, span: tuple[float, float] | None = None) -> Image8:
    """Read a thermal image as 8-bit gray, (H, W).

    Raises:
        Unusable: see the reasons of `read_visible`; also an image with a colour palette.
    """
    pixels = _decode(path)
    if pixels.ndim == 3:
        pixels = _gray_of_replicated(pixels, path)
    return pixels if pixels.dtype == np.uint8 and span is None else to_8_bits(pixels, span)


def read_visible(path: Path) -> Image8:
    """Read a visible image as 8-bit RGB, (H, W, 3); gray is replicated.

    Raises:
        Unusable: missing, broken, empty, too many pixels, or neither 8 nor 16 bits per channel.
    """
    pixels = _decode(path)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else np.ascontiguousarray(pixels)


def to_8_bits(counts: NDArray[np.generic], span: tuple[float, float] | None = None) -> Image8:
    """Map infrared counts (H, W) linearly to 0..255; see the module's docstring."""
    values = counts.astype(np.float32)
    if span is None:
        if values.max() <= 255:
            return counts.astype(np.uint8)
        if not (counts.astype(np.uint16) % 257).any():
            return (counts.astype(np.uint16) // 257).astype(np.uint8)
        span = (float(np.percentile(values, TAIL)), float(np.percentile(values, 100 - TAIL)))
        if span[0] == span[1]:  # all but a few pixels alike
            span = (float(values.min()), float(values.max()))
    low, high = span
    share = np.clip((values - np.float32(low)) / np.float32(max(high - low, 1e-6)), 0, 1)
    gray: Image8 = np.floor(share * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return gray


def _gray_of_replicated(rgb: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return the one channel that the three repeat.

    Raises:
        Unusable: the channels differ by more than compression noise.
    """
    if (rgb == rgb[..., :1]).all():
        return np.ascontiguousarray(rgb[..., 0])
    spread = np.percentile(rgb.max(axis=2).astype(np.int32) - rgb.min(axis=2), 99)
    levels = 257 if rgb.dtype == np.uint16 else 1
    if spread > PALETTE_SPREAD * levels:
        detail = f"{path.name}: channels differ by {spread / levels:.0f} levels; export the thermal image in gray"
        raise Unusable("false_colour", detail)
    gray: NDArray[Any] = np.median(rgb, axis=2).astype(rgb.dtype)
    return gray


def _decode(path: Path) -> NDArray[Any]:
    """Return uint8 or uint16, (H, W) or (H, W, 3) in RGB order, upright."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unusable("unreadable", f"{path.name}: {error.strerror}") from error
    if not data:
        raise Unusable("unreadable", f"{path.name} is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", module="PIL")
            return _pixels(data, path)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Unusable("too_large", f"{path.name}: more than {MAXIMUM_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Unusable("unreadable", f"{path.name} is of no image type that can be read") from error
    except _DAMAGE as error:
        raise Unusable("unreadable", f"{path.name}: {' '.join(str(error).split())}") from error


def _pixels(data: bytes, path: Path) -> NDArray[Any]:
    image: Image.Image = Image.open(io.BytesIO(data))
    if image.width * image.height > MAXIMUM_PIXELS:
        raise Unusable("too_large", f"{path.name}: {image.width}x{image.height}, at most {MAXIMUM_PIXELS:,} pixels")
    if image.format == "PNG":
        # Decoding stops at the last pixel; only this reads every checksum.
        Image.open(io.BytesIO(data)).verify()
        if data[24] == 16 and image.mode in ("RGB", "RGBA", "LA"):
            return _wide_colour(data, image)
    image.load()
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)  # in the machine's byte order
    if image.mode in ("I", "F"):
        raise Unusable("unsupported_depth", f"{path.name}: 32 bits per pixel; export 8 or 16 bits")
    if image.mode in ("L", "RGB"):
        return np.asarray(image)
    if image.mode in ("1", "LA"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGB"))  # palettes, transparency, CMYK, YCbCr


def _wide_colour(data: bytes, image: Image.Image) -> NDArray[np.uint16]:
    """Decode a PNG of 16 bits in several channels, which Pillow would cut to 8."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise Unusable("unreadable", "damaged PNG")
    wide: NDArray[np.uint16] = pixels[..., 2::-1] if image.mode != "LA" else pixels[..., 0]
    return np.ascontiguousarray(wide)
