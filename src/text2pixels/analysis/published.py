"""Rows of published tables, as printed, beside which ours stand under the convention `stretched`.

``published.csv`` has one row for each list of pairs, method and source: the method by our name where we run it, by
its authors' otherwise; the values as printed, empty where the table has no such column; how many pairs they are the
mean of, empty where that is not known; and who printed them. ``published_detection.csv`` has one row a value.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from text2pixels.metrics.score import HEADLINE

_TABLE = Path(__file__).with_name("published.csv")
_DETECTION = Path(__file__).with_name("published_detection.csv")


@dataclass(frozen=True)
class PublishedRow:
    """A row of a published table.

    Attributes:
        method: Whose.
        values: Metric -> what is printed, digits kept.
        images: Number of pairs of which the values are means; None where it is not known.
        source: Who printed it.
    """

    method: str
    values: dict[str, Decimal]
    images: int | None
    source: str


@dataclass(frozen=True)
class PublishedDetection:
    """How well a detector did on fused images, as printed.

    Attributes:
        method: Whose images.
        figure: "AP50" or "mAP", in percent.
        value: As printed.
        source: Who printed it, with which detector where that is known.
    """

    method: str
    figure: str
    value: Decimal
    source: str


def published_rows(name: str) -> list[PublishedRow]:
    """Return the rows printed for a list of pairs, such as "tno" or "roadscene-test50"; none where none is known.

    Rows of one method follow each other.
    """
    with _TABLE.open(newline="", encoding="utf-8") as stream:
        return [
            PublishedRow(
                row["method"],
                {metric: Decimal(row[metric]) for metric in HEADLINE if row[metric]},
                int(row["images"]) if row["images"] else None,
                row["source"],
            )
            for row in csv.DictReader(stream)
            if row["list"] == name
        ]


def published_detections(dataset: str) -> list[PublishedDetection]:
    """Return what was printed of detection on a data set, such as "m3fd"; nothing where nothing is known."""
    with _DETECTION.open(newline="", encoding="utf-8") as stream:
        return [
            PublishedDetection(row["method"], row["figure"], Decimal(row["value"]), row["source"])
            for row in csv.DictReader(stream)
            if row["dataset"] == dataset
        ]
