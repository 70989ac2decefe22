"""Rows of published tables, as printed, and whether a method with the weights at hand gives what its paper prints.

Ours stand beside them under the convention `stretched`. To check a method, its images of a published list of pairs are
made and measured here, and the means are compared with the printed rows to the printed digit.

``published.csv`` has one row for each list of pairs, method and source: the method by our name where we run it, by
its authors' otherwise; the values as printed, empty where the table has no such column; how many pairs they are the
mean of, empty where that is not known; and who printed them. ``published_detection.csv`` has one row a value.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from text2pixels.datasets import listing
from text2pixels.datasets.adapter import Candidate
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.partition import named
from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.method import Method
from text2pixels.metrics.score import HEADLINE, score

_TABLE = Path(__file__).with_name("published.csv")
_DETECTION = Path(__file__).with_name("published_detection.csv")

# Lists of pairs whose printed rows can be checked: the folder in which each data set lies, and the number of pairs.
LISTS = {"tno": ("TNO", 25), "roadscene-test50": ("RoadScene", 50)}

Pairs = list[tuple[Path, Path]]  # infrared, visible
_TOLERANCE = 1e-9  # for a mean halfway between two printed digits, which rounding in float may move


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


@dataclass(frozen=True)
class Figure:
    """The mean of a metric over a list of pairs, ours and the paper's.

    Attributes:
        list: A list of pairs, of `LISTS`.
        metric: Its name.
        printed: The mean that the paper prints.
        ours: Our mean over the pairs.
    """

    list: str
    metric: str
    printed: Decimal
    ours: float

    @property
    def matches(self) -> bool:
        """Say whether ours, rounded, is what is printed."""
        return abs(self.ours - float(self.printed)) <= float(self._digit) / 2 + _TOLERANCE

    @property
    def digits(self) -> float:
        """Return how far ours is from what is printed, in units of the last printed digit."""
        return abs(self.ours - float(self.printed)) / float(self._digit)

    @property
    def _digit(self) -> Decimal:
        return Decimal(1).scaleb(int(self.printed.as_tuple().exponent))


def rows_of(method: str) -> dict[str, PublishedRow]:
    """Return the rows printed for a method that are means of exactly the pairs of a list, by list.

    Raises:
        InputError: there is none.
    """
    found = {
        name: row
        for name, (_, count) in LISTS.items()
        for row in published_rows(name)
        if row.method == method and row.images == count
    }
    if not found:
        able = sorted({row.method for name in LISTS for row in published_rows(name) if row.images == LISTS[name][1]})
        raise InputError(f"no table with rows of '{method}' over these pairs is known; known: {', '.join(able)}")
    return found


def pairs_of(name: str, data: Path) -> Pairs:
    """Return the pairs of a list, in the order of their names.

    Args:
        name: Of `LISTS`.
        data: The folder that holds the sets, each in a folder of its own.

    Raises:
        InputError: pairs are missing, or there are others.
    """
    folder, count = LISTS[name]
    dataset, _, part = name.partition("-")
    adapter = DATASETS[dataset]
    root = data / folder
    if not root.is_dir():
        raise InputError(f"{root} is missing: get {adapter.title} from {adapter.home} and put it there")
    found = (adapter.find or listing.find)(adapter, root, {})
    candidates = [entry for entry in found if isinstance(entry, Candidate) and entry.infrared and entry.visible]
    wanted = named(dataset, part) if part else {candidate.name for candidate in candidates}
    pairs = {
        candidate.name: (Path(candidate.infrared or ""), Path(candidate.visible or ""))
        for candidate in candidates
        if candidate.name in wanted
    }
    if len(pairs) != count:
        raise InputError(
            f"{root}: the printed rows are over {count} pairs, found {len(pairs)} of them: give the folder with "
            "exactly those that the papers test on"
        )
    return [pairs[key] for key in sorted(pairs)]


def reproduce(method: Method, row: PublishedRow, name: str, pairs: Iterable[tuple[Path, Path]]) -> list[Figure]:
    """Fuse and measure the pairs of a list, and return each mean beside what is printed.

    Args:
        method: Ready to fuse.
        row: Printed of it.
        name: Of the list.
        pairs: Of the list.

    Raises:
        InputError: an image cannot be read, or the two of a pair differ in size.
    """
    metrics = tuple(row.values)
    values = []
    for infrared_path, visible_path in pairs:
        infrared_HW, visible_HW3 = read_gray(infrared_path), read_rgb(visible_path)
        fused_HW = fuse_luminance(method, infrared_HW, visible_HW3, convention="stretched")
        found = score(fused_HW, infrared_HW, quantise(luminance(visible_HW3)), metrics, "stretched")
        values.append([found[metric] for metric in metrics])
    means = np.mean(values, axis=0)
    return [Figure(name, metric, row.values[metric], float(mean)) for metric, mean in zip(metrics, means, strict=True)]


def verdict(method: str, figures: list[Figure]) -> str:
    """Return in a line whether the figures are the paper's, or how far they are from it."""
    hits = sum(figure.matches for figure in figures)
    if hits == len(figures):
        return f"{method} matches the paper: all {hits} figures to the printed digit"
    worst = max(figures, key=lambda figure: figure.digits)
    return (
        f"{method} does not match the paper: {hits} of {len(figures)} figures to the printed digit; the farthest is "
        f"{worst.metric} on {worst.list}, {worst.ours:.3f} where {worst.printed} is printed"
    )
