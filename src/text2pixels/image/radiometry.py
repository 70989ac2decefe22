"""The temperatures that the values of an infrared file stand for, where the file says so.

GDAL, and other programs that export radiometric images as GeoTIFF, write into tag 42112 of a TIFF file XML with the
scale, the offset and the unit of the values. Other formats are not read: none has a documented way to say this.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, UnidentifiedImageError

from text2pixels.errors import InputError
from text2pixels.image.depth import Span

_GDAL_METADATA = 42112
_UNITS = {"k": "K", "kelvin": "K", "c": "C", "°c": "C", "degc": "C", "celsius": "C", "degree_celsius": "C"}
_ZERO = 273.15  # 0 °C in kelvin
_TEMPERATURE = re.compile(r"([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(K|C|°C)?")


@dataclass(frozen=True)
class Thermometer:
    """Temperature = ``scale`` * value + ``offset``, in ``unit``: "K" or "C"."""

    scale: float
    offset: float
    unit: str

    def value(self, temperature: float, unit: str) -> float:
        """Return the value that a temperature in "K" or "C" has in the file."""
        kelvin = temperature + (_ZERO if unit == "C" else 0)
        return (kelvin - (_ZERO if self.unit == "C" else 0) - self.offset) / self.scale


def parse_range(given: tuple[str, str]) -> tuple[Span, str]:
    """Return two values as numbers, and their unit: "K", "C", or "" for the file's own values.

    Raises:
        InputError: no numbers, two units, or the first is not less than the second.
    """
    found = [_TEMPERATURE.fullmatch(text.strip()) for text in given]
    said = f"--infrared-range {' '.join(given)}"
    if found[0] is None or found[1] is None:
        raise InputError(
            f"{said}: expected two values as the file has them, such as 7000 9000, or as 10C 40C or 283K 313K"
        )
    low, high = (float(match[1]) for match in found if match)
    units = {(match[2] or "").removeprefix("°") for match in found if match}
    if len(units) > 1:
        raise InputError(f"{said}: give both values in one unit")
    if not low < high:
        raise InputError(f"{said}: the first value should be less than the second")
    return (low, high), units.pop()


def in_counts(span: Span, unit: str, files: list[Path]) -> Span:
    """Return temperatures as values of the files.

    Args:
        span: two temperatures.
        unit: theirs, "K" or "C".
        files: the infrared images, which must agree about what their values mean.

    Raises:
        InputError: a file does not say it, or two say different things.
    """
    first = thermometer_of(files[0])
    for path in files:
        found = thermometer_of(path)
        if found is None:
            raise InputError(
                f"{path} does not say what its values mean, so {span[0]:g} to {span[1]:g} {unit} are unknown: "
                "give --infrared-range in its own values (those of many cameras are 100 (°C + 273.15))"
            )
        if found != first:
            raise InputError(f"{files[0]} and {path} have values of different scale: fuse them apart")
    assert first is not None
    low, high = sorted(first.value(each, unit) for each in span)
    return low, high


def thermometer_of(path: Path) -> Thermometer | None:
    """Return what a TIFF file says of its values; None where it says nothing, or is no TIFF.

    Raises:
        InputError: it says something that cannot be understood.
    """
    try:
        with Image.open(path, formats=("TIFF",)) as image:
            text = getattr(image, "tag_v2", {}).get(_GDAL_METADATA)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return None  # the reader of its pixels reports what is wrong with it
    if not isinstance(text, str) or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        items = [item for item in ElementTree.fromstring(text.rstrip("\0 \n")) if item.get("sample", "0") == "0"]
        said = {item.get("role"): (item.text or "").strip() for item in items}
        unit = _UNITS.get(said.get("unittype", "").lower())
        scale, offset = float(said.get("scale", 1)), float(said.get("offset", 0))
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path}: the scale of its values (tag 42112) cannot be read: {error}") from error
    if unit is None:
        return None
    if not (math.isfinite(scale) and math.isfinite(offset) and scale):
        raise InputError(f"{path}: the scale of its values (tag 42112) is {scale:g}, {offset:g}")
    return Thermometer(scale, offset, unit)
