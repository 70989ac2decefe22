"""Our metrics against independent implementations; ``calibration.csv`` is written by benchmarks/calibration.py."""

import csv
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).with_name("calibration.csv")


@dataclass(frozen=True)
class Calibration:
    """One metric of one implementation beside ours.

    Attributes:
        metric: ours.
        implementation: the other's name.
        called: the metric there.
        images: number of fused images that both measured.
        mean_value: of the other implementation.
        mean_difference: absolute, to our value under `standard`.
        largest_difference: absolute, of one image.
        largest_their_way: the largest difference to our code with the other's definition; empty where the definitions
            agree, or where theirs was not rebuilt.
        why: where the difference comes from.
    """

    metric: str
    implementation: str
    called: str
    images: str
    mean_value: str
    mean_difference: str
    largest_difference: str
    largest_their_way: str
    why: str


def calibrations() -> list[Calibration]:
    """Return the table's rows, by metric."""
    with _TABLE.open(newline="", encoding="utf-8") as stream:
        return [Calibration(**row) for row in csv.DictReader(stream)]
