"""Ablations: variants that change one setting, compared image by image with the variant that changes none.

Everything is derived from the overrides in params.yaml. Variants that differ in train.seed alone are
one setting, trained several times. A setting's group follows from the keys that it changes; the
reference is the setting that changes none. Names mean nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from text2pixels.analysis import average_precision as evaluation
from text2pixels.analysis.results import DatasetResults
from text2pixels.analysis.statistics import Interval, mean_interval
from text2pixels.metrics.score import HEADLINE, METRICS

Overrides = Mapping[str, Mapping[str, Any]]  # section -> key -> value

# The paper's Table 2 first, in its order; then the rest of the headline.
COLUMNS = ("SF", "EN", "SD", "AG", *(name for name in HEADLINE if name not in ("SF", "EN", "SD", "AG")))
PRECISION = "AP50"
SEED = "train.seed"
BASE = "as in params.yaml"


@dataclass(frozen=True)
class Kind:
    """A group of ablations: the keys that its variants change, and where the paper shows it."""

    title: str
    where: str
    keys: tuple[str, ...]  # "section.key", or "section." for all keys of a section


KINDS = (
    Kind(
        "Attention",
        "Table 2 and Figure 11 of the paper",
        ("network.self_attention", "network.cross_attention", "train.text_steps"),
    ),
    Kind("Codebook", "Not in the paper", ("network.codebook",)),
    Kind("Losses", "Table 3 and Figure 10 of the paper", ("losses.",)),
    Kind("Strategy", "Figure 9 of the paper", ("train.strategy",)),
    Kind("Prompts", "Figure 12 of the paper", ("train.prompts",)),
)
SEEDS = Kind("Seeds", "The same settings, trained again from other random numbers; not in the paper", ())
OTHER = Kind("Other changes", "Other keys, or keys of several groups at once; not in the paper", ())


@dataclass(frozen=True)
class Setting:
    """What is trained: a name, the variants that train it, each from its own seed, and what it changes."""

    name: str
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    changes: Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """A setting's mean of one metric and its paired difference to the reference.

    Attributes:
        value: mean over images and seeds.
        spread: standard deviation over seeds of the mean over images; NaN with one seed.
        count: images.
        difference: to the reference, mean over seeds; the interval is over images. None for the reference.
        each: the difference with each seed.
        higher_is_better: of the metric.
    """

    value: float
    spread: float
    count: int
    difference: Interval | None
    each: tuple[float, ...]
    higher_is_better: bool

    @property
    def verdict(self) -> str:
        """Return "better" or "worse" where the interval excludes 0 and every seed agrees, "" otherwise."""
        change = self.difference
        if change is None or not (change.low > 0 or change.high < 0):
            return ""
        if any((one > 0) != (change.low > 0) for one in self.each):
            return ""
        return "better" if (change.low > 0) == self.higher_is_better else "worse"

    @property
    def note(self) -> str:
        """The hover text."""
        if self.difference is None:
            return f"the reference, {self.count} images"
        if not np.isfinite(self.difference.low):
            return self.difference.note or "no interval"
        words = (
            f"{self.difference.mean:+.4g} against the reference, 95 % interval {self.difference.low:+.4g} to "
            f"{self.difference.high:+.4g}, {self.difference.count} images"
        )
        return words + (f"; by seed {', '.join(f'{one:+.4g}' for one in self.each)}" if len(self.each) > 1 else "")


@dataclass(frozen=True)
class Row:
    """A setting and, in the order of the columns, its cells."""

    setting: Setting
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A group on one data set; the reference is the first row."""

    dataset: DatasetResults
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Group:
    """A group of settings with one table a data set."""

    kind: Kind
    tables: tuple[Table, ...]


def reference_of(variants: Mapping[str, Overrides]) -> str:
    """Return the variant that changes nothing except perhaps the seed; the first variant where there is none."""
    return next((name for name, overrides in variants.items() if not _flat(overrides)), next(iter(variants)))


def changes_of(overrides: Overrides, reference: Overrides) -> dict[str, str]:
    """Return "section.key" -> its value, for the keys but the seed in which a variant differs from the reference."""
    own, other = _flat(overrides), _flat(reference)
    keys = [*own, *(key for key in other if key not in own)]
    return {key: own.get(key, BASE) for key in keys if own.get(key) != other.get(key)}


def settings_of(variants: Mapping[str, Overrides], seed: int) -> list[Setting]:
    """Join the variants that differ in their seed alone, the reference first; a setting has its first variant's name.

    Args:
        variants: of params.yaml.
        seed: of params.yaml: that of variants which name none.
    """
    reference = reference_of(variants)
    members: dict[str, list[str]] = {}
    for name in sorted(variants, key=lambda name: name != reference):
        changes = changes_of(variants[name], variants[reference])
        members.setdefault(json.dumps(changes, sort_keys=True), []).append(name)
    return [
        Setting(
            names[0],
            tuple(names),
            tuple(_seed(variants[name], seed) for name in names),
            changes_of(variants[names[0]], variants[reference]),
        )
        for names in members.values()
    ]


def kind_of(changes: Mapping[str, str]) -> Kind:
    """Return the one group that covers all changed keys, otherwise `OTHER`."""
    for kind in KINDS:
        if changes and all(any(_covers(pattern, key) for pattern in kind.keys) for key in changes):
            return kind
    return OTHER


def groups(variants: Mapping[str, Overrides], datasets: list[DatasetResults], seed: int, resamples: int) -> list[Group]:
    """Compare every setting with the reference; groups in the paper's order, without the empty ones.

    Args:
        variants: of params.yaml.
        datasets: with the scores and detections of every variant.
        seed: of params.yaml.
        resamples: of an interval.
    """
    reference, *others = settings_of(variants, seed)
    members: dict[Kind, list[Setting]] = {kind: [] for kind in (*KINDS, OTHER)}
    for setting in others:
        members[kind_of(setting.changes)].append(setting)
    if not others:
        members[SEEDS] = [reference]
    cells = [
        {setting.name: _cells(data, setting, reference, resamples) for setting in (reference, *others)}
        for data in datasets
    ]
    result = []
    for kind, settings in members.items():
        if not settings:
            continue
        tables = []
        for data, own in zip(datasets, cells, strict=True):
            rows = [reference, *(setting for setting in settings if setting is not reference)]
            tables.append(
                Table(
                    data,
                    tuple(own[reference.name]),
                    tuple(Row(setting, tuple(own[setting.name].values())) for setting in rows),
                )
            )
        result.append(Group(kind, tuple(tables)))
    return result


def _flat(overrides: Overrides) -> dict[str, str]:
    """Return "section.key" -> value, without the seed."""
    return {
        f"{section}.{key}": value if isinstance(value, str) else json.dumps(value)
        for section, keys in overrides.items()
        for key, value in keys.items()
        if f"{section}.{key}" != SEED
    }


def _seed(overrides: Overrides, seed: int) -> int:
    section, key = SEED.split(".")
    own = overrides.get(section, {}).get(key)
    return seed if own is None else int(own)


def _covers(pattern: str, key: str) -> bool:
    return key.startswith(pattern) if pattern.endswith(".") else key == pattern


def _pairs(setting: Setting, reference: Setting) -> list[tuple[str, str]]:
    """Return which variants to compare: those of one seed; without a common seed, each with each."""
    pairs = list(
        product(
            zip(setting.variants, setting.seeds, strict=True), zip(reference.variants, reference.seeds, strict=True)
        )
    )
    common = [(own, other) for (own, seed), (other, its) in pairs if seed == its]
    return common or [(own, other) for (own, _), (other, _) in pairs]


def _cells(data: DatasetResults, setting: Setting, reference: Setting, resamples: int) -> dict[str, Cell]:
    """Return a cell a metric, and one of the average precision where the test pairs have boxes."""
    cells = {}
    pairs = [] if setting is reference else _pairs(setting, reference)
    values = data.scores[data.scores["method"].isin((*setting.variants, *reference.variants))]
    for name in COLUMNS:
        wide = values[values["metric"] == name].pivot(index="pair_id", columns="method", values="value")
        own = wide[list(setting.variants)]
        change: Interval | None = None
        each: tuple[float, ...] = ()
        if pairs:
            by_seed = pd.concat([wide[variant] - wide[other] for variant, other in pairs], axis=1)
            change = mean_interval(by_seed.mean(axis=1, skipna=False), resamples=resamples)
            each = tuple(by_seed.mean())
        count, higher = int(own.notna().all(axis=1).sum()), METRICS[name].direction == "higher"
        cells[name] = Cell(float(own.mean().mean()), float(own.mean().std()), count, change, each, higher)
    if all(variant in data.precision for variant in setting.variants):
        rows = [
            next(row for row in data.precision[variant] if row.metric == PRECISION and row.category == evaluation.ALL)
            for variant in setting.variants
        ]
        found = [row.value for row in rows]
        change, each = None, ()
        if pairs:
            drawn = data.found.resampled
            changes = [evaluation.paired(drawn[one], drawn[other], PRECISION) for one, other in pairs]
            # Over seeds; the mean of the ends is no narrower than the interval of the mean.
            mean, low, high = np.mean(changes, axis=0).tolist()
            change = Interval(mean, low, high, rows[0].images)
            each = tuple(value for value, _, _ in changes)
        spread = float(np.std(found, ddof=1)) if len(found) > 1 else float("nan")
        cells[PRECISION] = Cell(float(np.mean(found)), spread, rows[0].images, change, each, True)
    return cells
