"""Ablations: what each variant changes, and what that does, image by image, against the reference variant.

Everything is derived from the overrides in params.yaml: a variant's group from the keys that it
changes, the reference from having none; names mean nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from text2pixels.detection import evaluation
from text2pixels.metrics.table import METRICS
from text2pixels.report.leaderboard import HEADLINE
from text2pixels.report.results import DatasetResults
from text2pixels.report.statistics import Interval, mean_interval

Overrides = Mapping[str, Mapping[str, Any]]  # section -> key -> value

# The paper's Table 2 first, in its order; then the rest of the headline.
COLUMNS = ("SF", "EN", "SD", "AG", *(name for name in HEADLINE if name not in ("SF", "EN", "SD", "AG")))
PRECISION = "AP50"
BASE = "as in params.yaml"


@dataclass(frozen=True)
class Kind:
    """A group of ablations: the keys that its variants change, and where the paper shows it."""

    title: str
    where: str
    keys: tuple[str, ...]  # "section.key", or "section." for all keys of a section


KINDS = (
    Kind("Attention", "Table 2 and Figure 11 of the paper", ("network.self_attention", "network.cross_attention")),
    Kind("Codebook", "Not in the paper", ("network.codebook",)),
    Kind("Losses", "Table 3 and Figure 10 of the paper", ("losses.",)),
    Kind("Strategy", "Figure 9 of the paper", ("train.strategy",)),
    Kind("Prompts", "Figure 12 of the paper", ("train.prompts",)),
)
OTHER = Kind("Other changes", "Other keys, or keys of several groups at once; not in the paper", ())


@dataclass(frozen=True)
class Cell:
    """A variant's mean of one metric and its paired difference to the reference (None for the reference itself)."""

    value: float
    count: int
    difference: Interval | None
    higher_is_better: bool

    @property
    def verdict(self) -> str:
        """Return "better" or "worse" where the interval excludes 0, "" otherwise."""
        change = self.difference
        if change is None or not (change.low > 0 or change.high < 0):
            return ""
        return "better" if (change.low > 0) == self.higher_is_better else "worse"

    @property
    def note(self) -> str:
        """The hover text."""
        if self.difference is None:
            return f"the reference, {self.count} images"
        if not np.isfinite(self.difference.low):
            return self.difference.note or "no interval"
        return (
            f"{self.difference.mean:+.4g} against the reference, 95 % interval {self.difference.low:+.4g} to "
            f"{self.difference.high:+.4g}, {self.difference.count} images"
        )


@dataclass(frozen=True)
class Row:
    """A variant: what it changes and, in the order of the columns, its cells."""

    variant: str
    changes: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A group on one data set; the reference is the first row."""

    dataset: DatasetResults
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Group:
    """A group of variants with one table a data set."""

    kind: Kind
    tables: tuple[Table, ...]


def reference_of(variants: Mapping[str, Overrides]) -> str:
    """Return the variant that changes nothing; the first one where each changes something."""
    return next((name for name, overrides in variants.items() if not _flat(overrides)), next(iter(variants)))


def changes_of(overrides: Overrides, reference: Overrides) -> dict[str, str]:
    """Return "section.key" -> its value, for the keys in which a variant differs from the reference."""
    own, other = _flat(overrides), _flat(reference)
    keys = [*own, *(key for key in other if key not in own)]
    return {key: own.get(key, BASE) for key in keys if own.get(key) != other.get(key)}


def kind_of(changes: Mapping[str, str]) -> Kind:
    """Return the one group that covers all changed keys, otherwise `OTHER`."""
    for kind in KINDS:
        if changes and all(any(_covers(pattern, key) for pattern in kind.keys) for key in changes):
            return kind
    return OTHER


def groups(variants: Mapping[str, Overrides], datasets: list[DatasetResults], resamples: int) -> list[Group]:
    """Compare every variant with the reference; groups in the paper's order, without the empty ones.

    Args:
        variants: of params.yaml.
        datasets: with the scores and detections of every variant.
        resamples: of an interval.
    """
    reference = reference_of(variants)
    changes = {name: changes_of(overrides, variants[reference]) for name, overrides in variants.items()}
    members: dict[Kind, list[str]] = {kind: [] for kind in (*KINDS, OTHER)}
    for name in variants:
        if name != reference:
            members[kind_of(changes[name])].append(name)
    cells = [{name: _cells(data, name, reference, resamples) for name in variants} for data in datasets]
    result = []
    for kind, names in members.items():
        if not names:
            continue
        tables = []
        for data, own in zip(datasets, cells, strict=True):
            rows = tuple(
                Row(name, tuple(f"{key}: {value}" for key, value in changes[name].items()), tuple(own[name].values()))
                for name in (reference, *names)
            )
            tables.append(Table(data, tuple(own[reference]), rows))
        result.append(Group(kind, tuple(tables)))
    return result


def _flat(overrides: Overrides) -> dict[str, str]:
    return {
        f"{section}.{key}": value if isinstance(value, str) else json.dumps(value)
        for section, keys in overrides.items()
        for key, value in keys.items()
    }


def _covers(pattern: str, key: str) -> bool:
    return key.startswith(pattern) if pattern.endswith(".") else key == pattern


def _cells(data: DatasetResults, variant: str, reference: str, resamples: int) -> dict[str, Cell]:
    """Return a cell a metric, and one of the average precision where the test pairs have boxes."""
    cells = {}
    values = data.scores[data.scores["method"].isin((variant, reference))]
    for name in COLUMNS:
        wide = values[values["metric"] == name].pivot(index="pair_id", columns="method", values="value")
        own = wide[variant].dropna()
        change = None if variant == reference else mean_interval(wide[variant] - wide[reference], resamples=resamples)
        cells[name] = Cell(float(own.mean()), len(own), change, METRICS[name].direction == "higher")
    if variant in data.precision:
        row = next(row for row in data.precision[variant] if row.metric == PRECISION and row.category == evaluation.ALL)
        change = None
        if variant != reference:
            change = paired_precision(data.detections[variant], data.detections[reference], resamples)
        cells[PRECISION] = Cell(row.value, row.images, change, True)
    return cells


def paired_precision(table: pa.Table, reference: pa.Table, resamples: int, seed: int = 0) -> Interval:
    """Return the difference of two methods' mean AP50 over categories; both share each resample of the images.

    Args:
        table: detections as `detection.table.read_detections` returns them, with true boxes.
        reference: another method's, on the same images.
        resamples: of the images.
        seed: of the resampling.
    """
    points, means = [], []
    images: list[str] = []
    for side in (table, reference):
        rows = side.to_pylist()
        found = [row["pair_id"] for row in rows if row["kind"] == "image"]
        assert images in ([], found), "the same test images in the same order"
        images = found
        truths = [row for row in rows if row["kind"] == "truth"]
        detections = [row for row in rows if row["kind"] == "detection"]
        categories = sorted({row["category"] for row in truths})
        points.append(evaluation.coco_precision(images, truths, detections, categories)[:, 0].mean())
        draws = np.random.default_rng(seed).multinomial(
            len(images), np.full(len(images), 1 / len(images)), size=resamples
        )
        # The matching is private to the evaluation, which training depends on: making it public would
        # make every trained network out of date.
        matches = evaluation._match(images, truths, detections, categories)
        samples = np.stack([evaluation._resampled(match, draws)[0] for match in matches])  # (category, R)
        present = np.isfinite(samples)
        means.append(np.where(present, samples, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1))
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return Interval(float(points[0] - points[1]), float(low), float(high), len(images))
