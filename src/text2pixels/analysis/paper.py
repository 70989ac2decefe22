"""The tables of the paper that this project implements, cell by cell: ours, and below it what was printed.

``paper_tables.csv`` has the printed numbers of Tables 1 to 3 of arXiv 2401.00421, as they stand there. Ours
are found by what a row or column means: a method by its name, a variant by the settings that it changes, a
data set by its key. What a run lacks is said: of a row in that row, of a data set in a sentence.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text2pixels.analysis import ablations
from text2pixels.analysis.average_precision import ALL
from text2pixels.analysis.results import DatasetResults, Results

_FILE = Path(__file__).with_name("paper_tables.csv")

FUSION_METRICS = ("SF", "EN", "SD", "AG")  # Table 2 and Figure 7
FUSION_SETS = {"m3fd": "M3FD", "roadscene": "RoadScene", "tno": "TNO"}  # in the order of Table 2
RIVALS = ("ddcgan", "u2fusion", "tardal", "ddfm", "cddfuse", "defusion", "segmif")  # in the order of Table 1
_STANDS_IN = {"ddfm": "ddfm-small"}  # by its own name, where a run has it and not the other
PRECISION = "AP50:95"

_METHODS = {"Ir": "infrared", "Vi": "visible"} | {
    title: title.lower() for title in ("DDcGAN", "U2Fusion", "TarDAL", "DDFM", "CDDFuse", "DeFusion", "SegMiF")
}
_CATEGORIES = {"Motor": "Motorcycle", "mAP": ALL}  # where our name is another
_SELF, _CROSS = "network.self_attention", "network.cross_attention"
VARIANTS: dict[str, dict[str, str]] = {  # row -> what its variant changes
    "Ours": {},
    "M1": {_SELF: "false", _CROSS: "false"},
    "M2": {_CROSS: "false"},
    "M3": {_SELF: "false"},
    "M4": {},
    "w/o cl": {"losses.content": "0.0"},
    "w/o sl": {"losses.structure": "0.0"},
}
_TITLES = {
    1: "Detection on M3FD",
    2: "Attention mechanisms: Att_S self-attention, Att_C cross-attention",
    3: "Loss functions: cl content consistency loss, sl structure loss; detection on M3FD",
}
_NOTES = {"M1": "Att_S ✗, Att_C ✗", "M2": "Att_S ✓, Att_C ✗", "M3": "Att_S ✗, Att_C ✓", "M4": "Att_S ✓, Att_C ✓"}


@dataclass(frozen=True)
class Line:
    """A row of the paper's table.

    Attributes:
        label: As the paper has it.
        note: What the row stands for, where the label does not say.
        method: Ours: the method or variant of this run; None where it has none.
        lack: Why this run has no such row, "" where it has one.
        found: Our values, one for each column; NaN where there is none.
        printed: The paper's values.
    """

    label: str
    note: str
    method: str | None
    lack: str
    found: tuple[float, ...]
    printed: tuple[str, ...]


@dataclass(frozen=True)
class PaperTable:
    """A table in the paper's layout.

    Attributes:
        number: In the paper.
        title: In words.
        groups: Title of each data set, and how many columns it has.
        columns: Names, in the paper's order.
        lines: Rows, in the paper's order.
        gap: A sentence: which data sets this run lacks, and whether it lacks the methods of all rows; or "".
    """

    number: int
    title: str
    groups: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    gap: str

    @property
    def empty(self) -> bool:
        """Whether this run fills no cell."""
        return not any(math.isfinite(value) for line in self.lines for value in line.found)


def paper_tables(results: Results) -> list[PaperTable]:
    """Return Tables 1 to 3 of the paper, filled from a run."""
    printed: dict[int, dict[str, dict[tuple[str, str], str]]] = {}
    with _FILE.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            table = printed.setdefault(int(row["table"]), {})
            table.setdefault(row["row"], {})[row["dataset"], row["column"]] = row["value"]
    return [_table(number, rows, results) for number, rows in sorted(printed.items())]


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them, such as `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def fusion_set(results: Results, key: str) -> DatasetResults | None:
    """Return a data set of `FUSION_SETS` in a run; of M3FD its pairs for fusion, where the run has them."""
    return _dataset(results, f"{key}_fusion") or _dataset(results, key)


def detection_set(results: Results) -> DatasetResults | None:
    """Return the data set on which the paper detects, M3FD, where a run has it with boxes."""
    data = _dataset(results, "m3fd")
    return data if data and data.precision else None


def variant_of(results: Results, changes: Mapping[str, str]) -> str | None:
    """Return the variant that makes exactly these changes to the reference, the first of its seeds; None: none does.

    Args:
        results: Of a run.
        changes: "section.key" -> value as JSON; none: the reference itself.
    """
    if not results.variants:
        return None
    settings = ablations.settings_of(results.changes, 0)
    return next((setting.name for setting in settings if _same(setting.changes, changes)), None)


def rival_of(results: Results, name: str) -> str | None:
    """Return the method of a run that one of `RIVALS` is, or that stands in for it; None: neither is there."""
    return next((each for each in (name, _STANDS_IN.get(name)) if each in results.methods), None)


def mean_of(data: DatasetResults, method: str, metric: str) -> float:
    """Return a metric's mean over the test pairs under the convention `standard`; NaN where there is none."""
    own = data.scores[(data.scores["method"] == method) & (data.scores["metric"] == metric)]["value"]
    return float(own.mean()) if len(own) else math.nan


def precision_of(data: DatasetResults | None, method: str | None, category: str = ALL) -> float:
    """Return the average precision of a method on the test split in folds, as `PRECISION`; NaN where there is none."""
    rows = data.precision.get(method, []) if data and method else []
    wanted = (row.value for row in rows if row.metric == PRECISION and row.category == category)
    return next(wanted, math.nan)


def aside(results: Results, method: str | None) -> str:
    """Return whose a method's weights are, in brackets, where they are not its authors'; "" otherwise."""
    card = results.cards.get(method or "")
    return f"({card.aside})" if card and card.aside else ""


def _table(number: int, rows: Mapping[str, Mapping[tuple[str, str], str]], results: Results) -> PaperTable:
    columns = list(next(iter(rows.values())))
    keys = list(dict.fromkeys(key for key, _ in columns))
    value = _fusion_value if number == 2 else _detection_value
    lines = []
    for label, printed in rows.items():
        method = _method_of(label, results)
        lines.append(
            Line(
                label,
                _NOTES.get(label, "") or aside(results, method),
                method,
                "" if method else _why_not(label),
                tuple(value(results, method, *column) for column in columns),
                tuple(printed[column] for column in columns),
            )
        )
    missing = [
        FUSION_SETS[key]
        for key in keys
        if (fusion_set(results, key) if number == 2 else detection_set(results)) is None
    ]
    reasons = [f"no {'' if number == 2 else 'labelled '}pairs of {listed(missing)}"] if missing else []
    if all(line.lack for line in lines):
        reasons.append("none of the methods of its rows")
    gap = f"This run has {' and '.join(reasons)}." if reasons else ""
    groups = tuple((FUSION_SETS[key], sum(other == key for other, _ in columns)) for key in keys)
    return PaperTable(number, _TITLES[number], groups, tuple(name for _, name in columns), tuple(lines), gap)


def _method_of(label: str, results: Results) -> str | None:
    if label in VARIANTS:
        return variant_of(results, VARIANTS[label])
    return rival_of(results, _METHODS[label])


def _why_not(label: str) -> str:
    if label in VARIANTS:
        changes = ", ".join(f"{key}: {value}" for key, value in VARIANTS[label].items())
        return f"no variant with {changes}" if changes else "no network trained in this run"
    return "not among the methods of this run"


def _fusion_value(results: Results, method: str | None, key: str, metric: str) -> float:
    data = fusion_set(results, key)
    return mean_of(data, method, metric) if data and method else math.nan


def _detection_value(results: Results, method: str | None, _key: str, category: str) -> float:
    return precision_of(detection_set(results), method, _CATEGORIES.get(category, category))


def _dataset(results: Results, name: str) -> DatasetResults | None:
    return next((data for data in results.datasets if data.name == name), None)


def _same(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    def plain(changes: Mapping[str, str]) -> dict[str, Any]:
        return {key: _number(value) for key, value in changes.items()}

    return plain(found) == plain(wanted)


def _number(value: str) -> Any:  # noqa: ANN401  (a number where it is one: 0 and 0.0 are one weight)
    try:
        return float(value)
    except ValueError:
        return value
