"""Average precision per category, with bootstrap intervals over images.

The estimate is faster-coco-eval's (COCO's protocol: 101 recall points, at most 100 detections per
image and category, all areas). An interval needs thousands of resamples of the images, so the
matches are made once, here, by the same rule, and the resamples only re-weight them. Where several
seeds trained a detector, each is evaluated alone, and numbers and resamples are their means.

Shapes: R resamples; N detections of one category, best first.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from text2pixels.detection.precision import THRESHOLDS, coco_precision

Floats = NDArray[np.float64]

ALL = "all"  # the mean over the categories that occur often enough
LEAST_BOXES = 50  # of a category that counts in the mean: with fewer, a single box moves its AP by percents
METRICS = {"AP50": slice(0, 1), "AP50:95": slice(0, 10)}
_RECALLS = np.linspace(0, 1, 101)
_MOST_PER_IMAGE = 100
_CELLS = 4_000_000  # of the (R, N) arrays held at a time


@dataclass(frozen=True)
class Precision:
    """An average precision in [0, 1] and its 95 % bootstrap interval over images."""

    category: str
    metric: str  # "AP50" or "AP50:95"
    value: float
    low: float
    high: float
    boxes: int  # true boxes
    images: int


@dataclass(frozen=True)
class _Matches:
    """One category's detections, best first: image number and, per threshold, whether it is a true positive."""

    image: NDArray[np.int64]  # (N,)
    true: NDArray[np.bool_]  # (10, N)
    truths: NDArray[np.int64]  # boxes per image


@dataclass(frozen=True)
class Resampled:
    """Average precision on the images as they are, and on each bootstrap resample of them.

    Attributes:
        images: tested, in order; tables of the same images are resampled alike.
        categories: that occur in the truth.
        boxes: true boxes of each category.
        points: (category, 10 thresholds).
        samples: (category, 10 thresholds, R); NaN where a resample lacks the category.
    """

    images: tuple[str, ...]
    categories: tuple[str, ...]
    boxes: tuple[int, ...]
    points: Floats
    samples: Floats

    @property
    def counted(self) -> tuple[int, ...]:
        """The categories of the mean, by their place: those with at least `LEAST_BOXES` boxes, or all."""
        often = tuple(place for place, boxes in enumerate(self.boxes) if boxes >= LEAST_BOXES)
        return often or tuple(range(len(self.boxes)))

    @property
    def rare(self) -> tuple[str, ...]:
        """The categories that the mean leaves out."""
        return tuple(name for place, name in enumerate(self.categories) if place not in self.counted)

    def of_category(self, index: int, metric: str) -> tuple[float, Floats]:
        """Return a category's average precision by a metric of `METRICS`, and its resamples (R,)."""
        thresholds = METRICS[metric]
        return float(self.points[index, thresholds].mean()), self.samples[index, thresholds].mean(axis=0)

    def of_all(self, metric: str) -> tuple[float, Floats]:
        """Return the mean over the `counted` categories, and its resamples: of those it has; NaN: none."""
        kept, thresholds = list(self.counted), METRICS[metric]
        values, samples = self.points[kept, thresholds].mean(axis=1), self.samples[kept, thresholds].mean(axis=1)
        present = np.isfinite(samples)
        sums, counts = np.where(present, samples, 0).sum(axis=0), present.sum(axis=0)
        return float(values.mean()), np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def resample(table: pa.Table, resamples: int = 2000, seed: int = 0) -> Resampled | None:
    """Evaluate a table of detections, and resamples of its images; None where there is no true box.

    Args:
        table: of one protocol, as `table.select` returns it.
        resamples: of the images.
        seed: of the resampling.
    """
    rows = table.to_pylist()
    by_seed: dict[object, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        by_seed[row["seed"]].append(row)
    categories = sorted({row["category"] for row in rows if row["kind"] == "truth"})
    if not categories:
        return None
    images: list[str] = sorted({row["pair_id"] for row in rows if row["kind"] == "image"})
    draws = np.random.default_rng(seed).multinomial(len(images), np.full(len(images), 1 / len(images)), size=resamples)
    points, samples = [], []
    for number, own in by_seed.items():
        tested = sorted(str(row["pair_id"]) for row in own if row["kind"] == "image")
        assert tested == images, f"one protocol at a time, and every seed ({number}) on the same images"
        truths, found = ([row for row in own if row["kind"] == kind] for kind in ("truth", "detection"))
        matches = _match(images, truths, found, categories)
        points.append(coco_precision(images, truths, found, categories))
        samples.append(np.stack([_resampled(match, draws) for match in matches]))
    return Resampled(
        tuple(images),
        tuple(categories),
        tuple(int(match.truths.sum()) for match in matches),
        np.mean(points, axis=0),
        np.mean(samples, axis=0),
    )


def average_precision(table: pa.Table, resamples: int = 2000, seed: int = 0) -> list[Precision]:
    """Return AP50 and AP50:95 of every category that occurs in the truth, and of the mean (`Resampled.counted`).

    Args:
        table: of one protocol, as `table.select` returns it; an empty one gives an empty list.
        resamples: of the images, for the intervals.
        seed: of the resampling.
    """
    drawn = resample(table, resamples, seed)
    return [] if drawn is None else precisions(drawn)


def precisions(drawn: Resampled) -> list[Precision]:
    """Return what `average_precision` does, of resamples that are there already."""
    result = []
    for metric in METRICS:
        for index, category in enumerate(drawn.categories):
            numbers = drawn.of_category(index, metric)
            result.append(_row(category, metric, *numbers, drawn.boxes[index], len(drawn.images)))
        boxes = sum(drawn.boxes[place] for place in drawn.counted)
        result.append(_row(ALL, metric, *drawn.of_all(metric), boxes, len(drawn.images)))
    return result


def paired(one: Resampled, other: Resampled, metric: str) -> tuple[float, float, float]:
    """Return how much higher the mean of ``one`` is than that of ``other``, and the ends of its 95 % interval.

    Both are resamples of the same images in the same order, so each draw is of one set of images for both.
    """
    assert one.images == other.images, "the same images in the same order"
    (value, samples), (before, others) = one.of_all(metric), other.of_all(metric)
    return value - before, *interval(samples - others)


def _row(category: str, metric: str, value: float, samples: Floats, boxes: int, images: int) -> Precision:
    low, high = interval(samples)
    return Precision(category, metric, float(value), low, high, boxes, images)


def interval(samples: Floats) -> tuple[float, float]:
    """Return the 95 % interval of resamples (R,), of which those without a box (NaN) tell nothing."""
    finite = samples[np.isfinite(samples)]
    low, high = np.quantile(finite, [0.025, 0.975]) if finite.size else (np.nan, np.nan)
    return float(low), float(high)


def _match(
    images: list[str], truths: list[dict[str, object]], found: list[dict[str, object]], categories: list[str]
) -> list[_Matches]:
    """Match detections to boxes by COCO's rule: best score first, each takes the free box it overlaps most."""
    true_boxes, detections = _by_image(truths), _by_image(found)
    result = []
    for category in categories:
        numbers, scores, hits = [], [], []
        counts = np.zeros(len(images), dtype=np.int64)
        for number, pair_id in enumerate(images):
            boxes, own = true_boxes[pair_id, category], detections[pair_id, category]
            own = own[np.argsort(-own[:, 0], kind="stable")][:_MOST_PER_IMAGE]
            counts[number] = len(boxes)
            numbers.append(np.full(len(own), number))
            scores.append(own[:, 0])
            hits.append(_true_positives(overlaps(own[:, 1:], boxes[:, 1:])))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        result.append(_Matches(np.concatenate(numbers)[order], np.concatenate(hits, axis=1)[:, order], counts))
    return result


def _by_image(rows: list[dict[str, object]]) -> defaultdict[tuple[str, str], Floats]:
    """Group rows into (score, x, y, w, h) arrays; an absent group is empty."""
    groups: dict[tuple[str, str], list[list[object]]] = {}
    for row in rows:
        values = [row["score"] or 0.0, row["x"], row["y"], row["w"], row["h"]]
        groups.setdefault((str(row["pair_id"]), str(row["category"])), []).append(values)
    empty: defaultdict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros((0, 5)))
    empty.update({key: np.array(values, dtype=np.float64) for key, values in groups.items()})
    return empty


def overlaps(first: Floats, second: Floats) -> Floats:
    """Return intersection over union of (n, 4) and (m, 4) boxes x, y, w, h: (n, m)."""
    left, top = (np.maximum(first[:, None, k], second[None, :, k]) for k in (0, 1))
    right, bottom = (
        np.minimum((first[:, k] + first[:, k + 2])[:, None], (second[:, k] + second[:, k + 2])[None]) for k in (0, 1)
    )
    both = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    either = (first[:, 2] * first[:, 3])[:, None] + (second[:, 2] * second[:, 3])[None] - both
    overlap: Floats = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return overlap


def _true_positives(overlap: Floats) -> NDArray[np.bool_]:
    """Return (10, detections) from overlaps (detections, boxes), detections best first."""
    hits = np.zeros((len(THRESHOLDS), overlap.shape[0]), dtype=bool)
    if overlap.shape[1] == 0:
        return hits
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(overlap.shape[1], dtype=bool)
        for index, values in enumerate(overlap):
            best = int(np.argmax(np.where(free, values, -1)))
            if free[best] and values[best] >= threshold:
                hits[row, index], free[best] = True, False
    return hits


def _resampled(matches: _Matches, draws: NDArray[np.int64]) -> Floats:
    """Return the average precision of each threshold and resample, (10, R); NaN without true boxes."""
    result = np.full((len(THRESHOLDS), len(draws)), np.nan)
    chunk = max(1, _CELLS // max(1, len(matches.image)))
    for start in range(0, len(draws), chunk):
        some = draws[start : start + chunk]
        weights = some[:, matches.image]  # (R, N): how often each detection's image was drawn
        totals = some @ matches.truths
        drawn = np.maximum(np.cumsum(weights, axis=1), 1)
        for row, true in enumerate(matches.true):
            # Precision rises only at true positives, so the other detections are not needed any more.
            positives = np.cumsum(weights[:, true], axis=1)
            result[row, start : start + chunk] = _area(positives, positives / drawn[:, true], totals)
    return result


def _area(positives: NDArray[np.int64], precision: Floats, totals: NDArray[np.int64]) -> Floats:
    """Return the mean over 101 recalls of the best precision at that recall or more, (R,)."""
    areas = np.full(len(totals), np.nan)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.concatenate([envelope, np.zeros((len(totals), 1))], axis=1)  # a recall never reached
    for index in np.flatnonzero(totals):
        reached = np.searchsorted(positives[index] / totals[index], _RECALLS, side="left")
        areas[index] = envelope[index, reached].mean()
    return areas
