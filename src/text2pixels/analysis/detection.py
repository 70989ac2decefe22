"""Average precision as the report shows it: each protocol, over the test split and over all labelled pairs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from text2pixels.analysis.average_precision import (
    ALL,
    METRICS,
    Precision,
    Resampled,
    paired,
    precisions,
    resample,
)
from text2pixels.analysis.late_fusion import merge
from text2pixels.analysis.leaderboard import Table, detection_table
from text2pixels.datasets.manifest import Pair, in_split
from text2pixels.detection.detections import EARLY, K_FOLD, LATE, OWN, ZERO_SHOT, select
from text2pixels.errors import InputError

_UNSEEN = (
    "the pairs of the test split, which no fusion network trained by this project has seen: the fair comparison of "
    "such a network with the others, as far as their authors did not train on these pairs, which is not checked"
)
_ALONE = (
    "the pairs of the test split, which no fusion network trained by this project has seen. The other methods have no "
    "detector of their own, so this compares nobody; it tells what the detector is worth that training used"
)
_SEEN = (
    "all labelled pairs. A fusion network trained by this project has seen the pairs of the train split, ours with "
    "their labels, and its epoch was chosen on those of the validation split, so this favours it; between the other "
    "methods it is the steadier comparison"
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
    Scope("AP50", "fine-tuned, test split", K_FOLD, True, _UNSEEN),
    Scope("AP50_kfold_all", "fine-tuned, all labelled pairs", K_FOLD, False, _SEEN),
    Scope("AP50_zero_shot", "zero-shot, test split", ZERO_SHOT, True, _UNSEEN),
    Scope("AP50_zero_shot_all", "zero-shot, all labelled pairs", ZERO_SHOT, False, _SEEN),
    Scope("AP50_own", "own detector, test split", OWN, True, _ALONE),
)

# The leaderboards show the first of these that was tested.
LEADERBOARD = SCOPES[0]
_LEADING = {
    LEADERBOARD: "YOLOv5 fine-tuned on each method's images in folds",
    SCOPES[2]: "YOLOv5 as it learned from COCO, of the categories that COCO knows",
}

DRAWN = 0.25  # least score of a box that is drawn: what YOLOv5's own script draws


@dataclass(frozen=True)
class Difference:
    """How much higher a method's mean average precision is than that of the first method, paired by images.

    ``low`` and ``high`` are the 95 % interval over resamples of the images, the same for both.
    """

    method: str
    metric: str  # "AP50" or "AP50:95"
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """The difference in words: better or worse where the interval leaves zero out."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "not told apart"


def _differences(method: str, one: Resampled, other: Resampled) -> list[Difference]:
    return [Difference(method, metric, *paired(one, other, metric)) for metric in METRICS]


@dataclass(frozen=True)
class Found:
    """What was found in a scope: the average precisions of each method, and the resamples that they come from."""

    precisions: dict[str, list[Precision]]
    resampled: dict[str, Resampled]

    def differences(self, reference: str, methods: Sequence[str]) -> list[Difference]:
        """Return the difference of each method to the reference, by every metric; none where it was not tested."""
        if reference not in self.resampled:
            return []
        other = self.resampled[reference]
        tested = [method for method in methods if method != reference and method in self.resampled]
        return [each for method in tested for each in _differences(method, self.resampled[method], other)]

    def rows(self, reference: str, methods: Sequence[str]) -> list[dict[str, Any]]:
        """Return a row a method, category and metric; a mean has its paired difference to that of the reference."""
        paired = {(each.method, each.metric): each for each in self.differences(reference, methods)}
        tested = [(method, each) for method in self.precisions if method in methods for each in self.precisions[method]]
        rows = []
        for method, each in tested:
            difference = paired.get((method, each.metric)) if each.category == ALL else None
            rows.append(
                {
                    "method": method,
                    **vars(each),
                    "against": reference if difference else None,
                    "difference": difference.value if difference else None,
                    "difference_low": difference.low if difference else None,
                    "difference_high": difference.high if difference else None,
                }
            )
        return rows

    def gains(self, before: "Found", methods: Sequence[str]) -> list[Difference]:
        """Return the difference of each method to itself in another scope of the same images, by every metric."""
        return [
            each
            for method in methods
            if method in self.resampled and method in before.resampled
            for each in _differences(method, self.resampled[method], before.resampled[method])
        ]


@dataclass(frozen=True)
class Section:
    """What the page shows of a scope."""

    scope: Scope
    images: int
    boxes: int
    folds: int  # 0: not in folds
    left_out: tuple[str, ...]  # categories that the protocol cannot find
    rare: tuple[str, ...]  # categories with too few boxes to count in the mean
    tables: dict[str, Table]  # by metric, see `detection_table`
    reference: str  # the method that the others are compared with
    differences: list[Difference]
    gains: list[Difference]  # by fine-tuning: of each method to its own zero-shot detection in the same images

    @property
    def differences_by_method(self) -> dict[str, list[Difference]]:
        """The differences of each method, one for each metric."""
        return _by_method(self.differences)

    @property
    def gains_by_method(self) -> dict[str, list[Difference]]:
        """What fine-tuning added to each method, one for each metric."""
        return _by_method(self.gains)

    @property
    def verdict(self) -> str:
        """The paired differences of AP50 in a sentence without its full stop; "" where there are none."""
        said = []
        for verdict, words in (
            ("worse", "higher than"),
            ("better", "lower than"),
            ("not told apart", "not told apart from"),
        ):
            others = [each.method for each in self.differences if (each.metric, each.verdict) == ("AP50", verdict)]
            said += [f"{words} {', '.join(others)}"] if others else []
        return f"mean AP50 of {self.reference}: {'; '.join(said)} (paired differences, 95 %)" if said else ""


def _by_method(differences: Sequence[Difference]) -> dict[str, list[Difference]]:
    """Return method -> its differences, one for each metric, in the order of `METRICS`."""
    found: dict[str, list[Difference]] = {}
    for each in differences:
        found.setdefault(each.method, []).append(each)
    return found


def precision_of(tables: Mapping[str, pa.Table], pairs: Sequence[Pair], resamples: int) -> dict[str, Found]:
    """Return scope -> what was found; scopes that were not tested are left out.

    Where both sources were tested, late fusion is one more method. A scope of all labelled pairs is left out where
    these are the pairs of the test split.

    Args:
        tables: method -> its detections, whole.
        pairs: of the data set.
        resamples: of an interval.

    Raises:
        InputError: methods were not tested on the same images.
    """
    test = {pair.pair_id for pair in in_split(pairs, "test")}
    found: dict[str, Found] = {}
    if {"infrared", "visible"} <= tables.keys():
        tables = {**tables, LATE: merge(tables["infrared"], tables["visible"])}
    for scope in SCOPES:
        chosen = {
            method: select(table, scope.protocol, test if scope.test_only else None) for method, table in tables.items()
        }
        images = {method: _images(table) for method, table in chosen.items()}
        # Not every method takes part: only our networks have a detector of their own, and the zero-shot detector cannot
        # see both images at once, as early fusion does.
        everybody = {OWN: (), ZERO_SHOT: images.keys() - {EARLY}}.get(scope.protocol, images.keys())
        tested = {method: ids for method, ids in images.items() if ids or method in everybody}
        _check_same(scope, tested)
        if not scope.test_only and all(ids <= test for ids in tested.values()):
            continue
        drawn = {method: resample(chosen[method], resamples, 0) for method in tested}
        resampled = {method: each for method, each in drawn.items() if each is not None}
        if resampled:
            found[scope.key] = Found({method: precisions(each) for method, each in resampled.items()}, resampled)
    return found


def leading(protocols: Mapping[str, object]) -> Scope | None:
    """Return the scope that the leaderboards show: fine-tuned detectors, COCO's where none was trained; or None."""
    return next((scope for scope in _LEADING if scope.key in protocols), None)


def detector_of(scope: Scope) -> str:
    """Say in words which detector a leaderboard's scope rests on."""
    return _LEADING[scope]


def sections(
    protocols: Mapping[str, Found], pairs: Sequence[Pair], folds: int, methods: Sequence[str]
) -> list[Section]:
    """Return what the page shows of a data set, a section a scope.

    Args:
        protocols: what `precision_of` returned.
        pairs: of the data set.
        folds: their number, 0 where there are none.
        methods: in the order to show them; the others are compared with the first. Early and late fusion
            are shown after them.
    """
    methods = [*methods, *(name for name in (EARLY, LATE) if name not in methods)]
    known = {box.category for pair in pairs if pair.labelled for box in pair.boxes}
    shown = []
    for scope in SCOPES:
        found = protocols.get(scope.key, Found({}, {}))
        own = {method: rows for method, rows in found.precisions.items() if method in methods}
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
                found.resampled[next(iter(own))].rare,
                {metric: detection_table(own, methods, metric) for metric in METRICS},
                methods[0],
                found.differences(methods[0], methods),
                _gains(scope, protocols, methods),
            )
        )
    return shown


def _gains(scope: Scope, protocols: Mapping[str, Found], methods: Sequence[str]) -> list[Difference]:
    """Return what fine-tuning added; none where COCO's detector was not tested, or has not all that the mean counts."""
    before = next(each for each in SCOPES if (each.protocol, each.test_only) == (ZERO_SHOT, scope.test_only))
    if scope.protocol != K_FOLD or before.key not in protocols:
        return []
    one, other = (next(iter(protocols[each.key].resampled.values())) for each in (scope, before))
    if [one.categories[place] for place in one.counted] != [other.categories[place] for place in other.counted]:
        return []
    return protocols[scope.key].gains(protocols[before.key], methods)


def headlines(shown: Sequence[Section]) -> dict[str, dict[str, float]]:
    """Return method -> scope's key -> AP50, the mean over the categories that count."""
    found: dict[str, dict[str, float]] = {}
    for section in shown:
        for row in section.tables["AP50"].rows:
            found.setdefault(row.method, {})[section.scope.key] = row.cells[-1].value
    return found


def drawn(table: pa.Table, pair_ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return pair_id -> the boxes found in its image that a page draws: category, score and x, y, w, h in pixels.

    They are those of the fine-tuned detector of the first seed, or of COCO's where none was fine-tuned, with a score of
    `DRAWN` or more.

    Args:
        table: a method's detections, whole.
        pair_ids: of the pairs that have a page.
    """
    protocols = pc.unique(table["protocol"]).to_pylist()
    rows = select(table, K_FOLD if K_FOLD in protocols else ZERO_SHOT, pair_ids).to_pylist()
    first = min((row["seed"] for row in rows if row["seed"] is not None), default=None)
    boxes: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["kind"] == "detection" and row["seed"] == first and row["score"] >= DRAWN:
            box = {name: round(row[name], 1) for name in "xywh"}
            boxes.setdefault(row["pair_id"], []).append(
                {"category": row["category"], "score": round(row["score"], 2)} | box
            )
    return boxes


def folds_of(tables: Mapping[str, pa.Table]) -> int:
    """Return the number of folds of the methods' detections; 0 where there are none."""
    return max((len(pc.unique(select(table, K_FOLD)["fold"])) for table in tables.values()), default=0)


def _images(table: pa.Table) -> frozenset[str]:
    return frozenset(table.filter(pc.equal(table["kind"], "image"))["pair_id"].to_pylist())


def _check_same(scope: Scope, images: Mapping[str, frozenset[str]]) -> None:
    """Make sure that all methods were tested on the same images."""
    if not images:
        return
    first = next(iter(images))
    for method, found in images.items():
        if found != images[first]:
            raise InputError(
                f"detection ({scope.title}): {method} was tested on {len(found)} images, {first} on "
                f"{len(images[first])}: detect again with dvc repro detect"
            )
