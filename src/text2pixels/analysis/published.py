"""Rows of published tables, as printed, beside which ours stand under the convention `stretched`.

``published.csv`` has one row a list of pairs and method: the method by our name where we run it, by its
authors' otherwise; the values as printed, empty where the table has no such column; how many pairs they
are the mean of; and who printed them.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from text2pixels.metrics.score import HEADLINE

_TABLE = Path(__file__).with_name("published.csv")


@dataclass(frozen=True)
class PublishedRow:
    """A row of a published table; ``values`` maps a metric to what is printed, digits kept."""

    method: str
    values: dict[str, Decimal]
    images: int
    source: str


def published_rows(name: str) -> list[PublishedRow]:
    """Return the rows printed for a list of pairs, such as "tno" or "roadscene-test50"; none where none is known."""
    with _TABLE.open(newline="", encoding="utf-8") as stream:
        return [
            PublishedRow(
                row["method"],
                {metric: Decimal(row[metric]) for metric in HEADLINE if row[metric]},
                int(row["images"]),
                row["source"],
            )
            for row in csv.DictReader(stream)
            if row["list"] == name
        ]
