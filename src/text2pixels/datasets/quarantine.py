"""The quarantine: a table with one row for each thing that did not come in, and the reason.

``kind`` says what the row is about and what became of the rest:

- ``pair``: the pair is not in the manifest.
- ``labels``: a label file was left out; its pair, if there is one, is in the manifest, unlabelled.
- ``box``: one box was left out; its pair is in the manifest with its other boxes.
- ``file``: a file that belongs to no pair.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.registry import unknown
from text2pixels.tables import read_rows

KINDS = ("pair", "labels", "box", "file")

REASONS = {
    # pairs
    "unpaired": "a file without its counterpart",
    "ambiguous": "two files claim the same place in a pair, or labels fit two pairs alike",
    "unsafe_name": "a name that cannot be a file name on every system",
    "unreadable": "missing, empty, truncated, or not an image",
    "unsupported_depth": "neither 8 nor 16 bits per channel",
    "false_colour": "an infrared image with a colour palette: its luminance is not its temperature",
    "too_small": "a side below ingest.minimum_side",
    "too_large": "more pixels than any camera has: a decompression bomb",
    "blank": "one value throughout",
    "unequal_size": "infrared and visible differ in size although the source is declared aligned",
    "unregistered": "no infrared-to-visible transform could be verified",
    "duplicate_content": "pixel for pixel an image that came in already",
    # label files
    "label_unreadable": "not a label file of the declared format",
    "label_size": "labels made for an image of another size",
    # boxes
    "box_outside": "reaches more than 2 pixels beyond the image, or lies beyond what both cameras see",
    "box_empty": "no width, no height, or not finite",
    "box_malformed": "an annotation without four numbers",
    "box_unlisted": "an annotation of an image that the annotations do not list",
    "box_crowd": "a region of many objects, not one (COCO iscrowd)",
    "box_duplicate": "the same box and category twice in one image",
    "class_unknown": "a category that the data set does not declare",
    # files
    "not_an_image": "not of an image type, or a system's litter",
    "not_a_label": "among the labels, but not of their format's type",
    "not_regular": "a pipe, a socket or a device, which is not read",
    "not_visited": "a folder of images outside those that were read, or a link to a folder",
    "other_band": "neither thermal nor visible: near infrared, a colour composite, a result",
}


@cache
def schema() -> Any:  # noqa: ANN401  (the library is untyped)
    """Return the Arrow schema; a function, so that code that writes no table needs no pyarrow."""
    pa = require("pyarrow", "train")
    return pa.schema(
        [
            pa.field("dataset", pa.string(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("detail", pa.string(), nullable=False),
        ]
    )


@dataclass(frozen=True)
class Quarantined:
    """One thing left out. ``reason`` is a key of `REASONS`; ``detail`` names file, values and what was expected."""

    dataset: str
    name: str
    kind: str
    reason: str
    detail: str

    def __post_init__(self) -> None:
        """Hold kind and reason to their tables."""
        assert self.kind in KINDS, unknown(self.kind, KINDS, "kind")
        assert self.reason in REASONS, unknown(self.reason, REASONS, "reason")


def write_quarantine(path: Path, rows: Iterable[Quarantined]) -> None:
    """Write the rows in a fixed order, so that the same rows give the same bytes."""
    ordered = sorted(rows, key=lambda row: (row.name, row.kind, row.reason, row.detail))
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    with whole_file(path) as aside:
        pq.write_table(pa.Table.from_pylist([asdict(row) for row in ordered], schema=schema()), aside)


def read_quarantine(path: Path) -> list[Quarantined]:
    """Read a quarantine file.

    Raises:
        InputError: the file is missing.
    """
    if not path.is_file():
        raise InputError(f"no quarantine list at {path}: run t2p ingest")
    return [Quarantined(**row) for row in read_rows(path)]
