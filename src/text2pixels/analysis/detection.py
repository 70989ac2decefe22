"""Average precision as the report shows it: each protocol, over the pairs for which it says something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from text2pixels.analysis.average_precision import ALL, METRICS, Precision, average_precision
from text2pixels.analysis.leaderboard import Row, detection_table
from text2pixels.datasets.manifest import Pair, in_split
from text2pixels.detection.detections import K_FOLD, OWN, ZERO_SHOT, select
from text2pixels.errors import InputError

_UNSEEN = (
    "of the test split alone: pairs that no fusion network here was trained on. This is the fair comparison of a "
    "network trained here with the others"
)
_SEEN = (
    "all labelled pairs. A fusion network trained here has seen the labels of the pairs of the train split, and its "
    "best epoch was chosen by those of the validation split, so this favours it; between the other methods it is "
    "the steadier comparison"
)


@dataclass(frozen=True)
class Scope:
    """A protocol over a set of pairs; ``key`` is that of metrics.json."""

    key: str
    title: str
    protocol: str
    test_only: bool
    pairs: str  # in words


SCOPES = (
    Scope("AP50", "k-fold, test split", K_FOLD, True, _UNSEEN),
    Scope("AP50_kfold_all", "k-fold, all labelled pairs", K_FOLD, False, _SEEN),
    Scope("AP50_zero_shot", "zero-shot, test split", ZERO_SHOT, True, _UNSEEN),
    Scope("AP50_zero_shot_all", "zero-shot, all labelled pairs", ZERO_SHOT, False, _SEEN),
    Scope("AP50_own", "own detector, test split", OWN, True, _UNSEEN),
)

LEADERBOARD = SCOPES[0]


@dataclass(frozen=True)
class Columns:
    """A table in the layout of the paper's Table 1: a column for each category and one for their mean."""

    columns: list[str]
    rows: list[Row]


@dataclass(frozen=True)
class Section:
    """What the page shows of a scope."""

    scope: Scope
    images: int
    boxes: int
    folds: int  # 0: not in folds
    left_out: tuple[str, ...]  # categories that the protocol cannot find
    tables: dict[str, Columns]  # by metric


def precision_of(
    tables: Mapping[str, pa.Table], pairs: Sequence[Pair], resamples: int
) -> dict[str, dict[str, list[Precision]]]:
    """Return scope -> method -> average precisions, without what was not tested.

    A scope of all labelled pairs is left out where it is that of the test split.

    Args:
        tables: method -> its detections, whole.
        pairs: of the data set.
        resamples: of an interval.

    Raises:
        InputError: methods were not tested on the same images.
    """
    test = {pair.pair_id for pair in in_split(pairs, "test")}
    found: dict[str, dict[str, list[Precision]]] = {}
    for scope in SCOPES:
        chosen = {
            method: select(table, scope.protocol, test if scope.test_only else None) for method, table in tables.items()
        }
        images = {method: _images(table) for method, table in chosen.items()}
        tested = {method: ids for method, ids in images.items() if ids or scope.protocol != OWN}
        _check_same(scope, tested)
        if not scope.test_only and all(ids <= test for ids in tested.values()):
            continue
        precision = {method: average_precision(chosen[method], resamples, 0) for method in tested}
        if any(precision.values()):
            found[scope.key] = {method: rows for method, rows in precision.items() if rows}
    return found


def sections(
    protocols: Mapping[str, Mapping[str, list[Precision]]], pairs: Sequence[Pair], folds: int, methods: Sequence[str]
) -> list[Section]:
    """Return what the page shows of a data set, a section a scope.

    Args:
        protocols: what `precision_of` returned.
        pairs: of the data set.
        folds: their number, 0 where there are none.
        methods: in the order to show them.
    """
    known = {box.category for pair in pairs if pair.labelled for box in pair.boxes}
    shown = []
    for scope in SCOPES:
        found = protocols.get(scope.key, {})
        own = {method: rows for method, rows in found.items() if method in methods}
        if not own:
            continue
        rows = next(iter(own.values()))
        whole = next(row for row in rows if row.category == ALL)
        shown.append(
            Section(
                scope,
                whole.images,
                whole.boxes,
                folds if scope.protocol == K_FOLD else 0,
                tuple(sorted(known - {row.category for row in rows})) if scope.protocol == ZERO_SHOT else (),
                {metric: Columns(*detection_table(own, methods, metric)) for metric in METRICS},
            )
        )
    return shown


def headlines(shown: Sequence[Section]) -> dict[str, dict[str, float]]:
    """Return method -> scope's key -> AP50, the mean over categories."""
    found: dict[str, dict[str, float]] = {}
    for section in shown:
        for row in section.tables["AP50"].rows:
            found.setdefault(row.method, {})[section.scope.key] = row.cells[-1].value
    return found


def folds_of(tables: Mapping[str, pa.Table]) -> int:
    """Return the number of folds of the methods' detections; 0 where there are none."""
    return max((len(pc.unique(select(table, K_FOLD)["fold"])) for table in tables.values()), default=0)


def _images(table: pa.Table) -> frozenset[str]:
    return frozenset(table.filter(pc.equal(table["kind"], "image"))["pair_id"].to_pylist())


def _check_same(scope: Scope, images: Mapping[str, frozenset[str]]) -> None:
    """Compare methods only where each was tested on the same images."""
    if not images:
        return
    first = next(iter(images))
    for method, found in images.items():
        if found != images[first]:
            raise InputError(
                f"detection ({scope.title}): {method} was tested on {len(found)} images, {first} on "
                f"{len(images[first])}: detect again with dvc repro detect"
            )
