"""The one reader of users' images: from any file to one of two forms, which all other code works on.

Infrared becomes 8-bit gray (H, W), visible 8-bit RGB (H, W, 3); both upright, without transparency, of several
pages the first. `text2pixels.image.depth` says how more than 8 bits become 8.

Images that the pipeline wrote itself are read by `text2pixels.image.png`, which is faster and refuses
anything else.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError, Unusable
from text2pixels.image.colour import Image8
from text2pixels.image.decode import SUFFIXES, decode
from text2pixels.image.depth import Span, infrared_to_8_bits, visible_to_8_bits

PALETTE_SPREAD = 16  # levels between channels at the 99th percentile; JPEG noise on gray stays below
FEW_LEVELS = 32  # gray levels; an image of more than 8 bits that ends with fewer has lost its scene


def read_infrared(path: Path, span: Span | None = None, notes: list[str] | None = None) -> Image8:
    """Read a thermal image as 8-bit gray, (H, W).

    Args:
        path: An image file; gray, or colour of which the channels repeat one another.
        span: Two values of more than 8 bits that become 0 and 255; None: found in the image.
        notes: Receives a line, led by the path, for each thing that the pixels do not show: further pages,
            transparency, gray levels lost.

    Raises:
        Unusable: see `read_visible`; also an image with a colour palette, or without a finite value.
    """
    return to_infrared(decode(path, said := [] if notes is None else notes, counts=True), path, span, said)


def read_infrared_field(
    path: Path, span: Span | None = None, notes: list[str] | None = None
) -> tuple[Image8, NDArray[np.bool_] | None]:
    """Read a thermal image as `read_infrared` does, and which part of it the thermal camera saw.

    Returns:
        Gray (H, W), and the mask (H, W) of pixels that are opaque in the file, None where all are. A warped infrared
        image is opaque within the thermal camera's field of view; gray values outside of it mean nothing.

    Raises:
        Unusable: see `read_infrared`; also an image that is transparent throughout.
    """
    said = [] if notes is None else notes
    pixels, opaque = split_opacity(decode(path, said, flat=False, counts=True), path)
    return to_infrared(pixels, path, span, said), opaque


def split_opacity(pixels: NDArray[Any], source: Path | str) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Split opacity, the fourth channel, from the pixels.

    Returns:
        The first three channels, 0 where a pixel is not fully opaque; and the mask (H, W) of opaque pixels, None where
        all are.

    Raises:
        Unusable: nothing is opaque.
    """
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels, None
    opaque = pixels[..., 3] == np.iinfo(pixels.dtype).max
    if opaque.all():
        return pixels[..., :3], None
    if not opaque.any():
        raise Unusable("blank", "transparent throughout, so there is no infrared in it: export it again", source)
    return pixels[..., :3] * opaque[..., None].astype(pixels.dtype), opaque


def read_visible(path: Path, notes: list[str] | None = None) -> Image8:
    """Read a visible image as 8-bit RGB, (H, W, 3); gray is replicated.

    Args:
        path: An image file.
        notes: Receives lines, as those of `read_infrared`.

    Raises:
        Unusable: missing, no regular file, broken, too many pixels, or of a depth that is not read.
    """
    return to_visible(decode(path, said := [] if notes is None else notes), path, said)


def images_of(folder: Path) -> dict[str, Path]:
    """Return the image files of a folder by their names without suffix, in order; hidden files are passed over.

    Raises:
        InputError: no folder, or two images of one name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in images:
            raise InputError(f"{folder} has both {images[path.stem].name} and {path.name}: keep one of them")
        images[path.stem] = path
    return images


def to_infrared(pixels: NDArray[Any], source: Path | str, span: Span | None, notes: list[str]) -> Image8:
    """Return decoded pixels as 8-bit gray, (H, W); the arguments are those of `read_infrared`.

    Raises:
        Unusable: a colour palette, or not one finite value.
    """
    counts = _one_channel(pixels, source) if pixels.ndim == 3 else pixels
    if span is not None and counts.dtype == np.uint8:
        notes.append(
            f"{source}: has 8 bits and is read as it is; the range of {span[0]:g} to {span[1]:g} is for more bits"
        )
        span = None
    try:
        gray = infrared_to_8_bits(counts, span)
    except ValueError as error:
        raise Unusable("blank", f"{error}: export the image again", source) from error
    if counts.dtype != np.uint8:
        _note_few_levels(gray, source, notes, "the values of the scene lie too close together, or outside the range")
    return gray


def to_visible(pixels: NDArray[Any], source: Path | str, notes: list[str]) -> Image8:
    """Return decoded pixels as 8-bit RGB, (H, W, 3); the arguments are those of `read_visible`.

    Raises:
        Unusable: values on a scale for which there is no convention.
    """
    try:
        levels = visible_to_8_bits(pixels)
    except ValueError as error:
        raise Unusable("unsupported_depth", f"{error}: export 8 or 16 bits", source) from error
    if pixels.dtype != np.uint8:
        _note_few_levels(levels, source, notes, "white should be the largest value that its depth can hold")
    return np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else np.ascontiguousarray(levels)


def _one_channel(rgb: NDArray[Any], source: Path | str) -> NDArray[Any]:
    """Return the one channel that the three repeat.

    Raises:
        Unusable: the channels differ by more than compression noise.
    """
    if (rgb == rgb[..., :1]).all():
        return np.ascontiguousarray(rgb[..., 0])
    spread = np.percentile(rgb.max(axis=2).astype(np.int32) - rgb.min(axis=2), 99)
    levels = 257 if rgb.dtype == np.uint16 else 1
    if spread > PALETTE_SPREAD * levels:
        problem = (
            f"infrared in colours (its channels differ by {spread / levels:.0f} levels), "
            "of which the brightness is not the temperature: export it in gray"
        )
        raise Unusable("false_colour", problem, source)
    gray: NDArray[Any] = np.median(rgb, axis=2).astype(rgb.dtype)
    return gray


def _note_few_levels(image: Image8, source: Path | str, notes: list[str], why: str) -> None:
    levels = np.count_nonzero(np.bincount(image.ravel(), minlength=256))
    if levels < FEW_LEVELS:
        notes.append(f"{source}: only {levels} gray levels are left of its more than 8 bits: {why}")
