"""What the scores of a set of images allow one to say: intervals, paired tests, average ranks.

The images are the sample. Everything here is deterministic. Where a number cannot be computed, a note says why: one
image has no interval, a metric that is undefined for some method takes no part on that image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Interval:
    """A mean and its bootstrap interval; NaN where there is none, and ``note`` says why."""

    mean: float
    low: float
    high: float
    count: int
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """A method against the best other one on the images where both are defined.

    ``difference`` is the mean of method less ``against``; ``p`` is two-sided, ``p_holm`` corrected for the number of
    tests: one less than methods, as the best against the second is the second against the best. NaN where there is no
    test, and ``note`` says why.
    """

    method: str
    against: str
    difference: float
    p: float
    p_holm: float
    count: int
    note: str = ""


@dataclass(frozen=True)
class Ranking:
    """The data of a critical-difference diagram.

    Attributes:
        ranks: Average rank of each method, best first; 1 is best.
        mean_places: What images rank methods by, averaged: the mean of a method's places over metrics and images, in
            the order of the ranks. A method that is third by every metric on every image can be of rank 1.
        critical_difference: Nemenyi's, in ranks; NaN where there is none.
        p: Of Friedman's test that all methods are equal; NaN where there is none.
        groups: Longest runs of methods that the test does not tell apart, best first.
        images: Number of images that the ranks come from.
        metrics: Those that count.
        left_out: For each metric, on how many images it took no part because it is undefined there
            for some method.
        note: Why there is no test.
    """

    ranks: dict[str, float]
    mean_places: dict[str, float]
    critical_difference: float
    p: float
    groups: tuple[tuple[str, ...], ...]
    images: int
    metrics: tuple[str, ...]
    left_out: dict[str, int]
    note: str = ""


def mean_interval(values: ArrayLike, *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of the finite values and its bootstrap interval.

    The bootstrap is Efron's BCa (bias-corrected and accelerated) over images, seeded.

    Args:
        values: One value per image; NaN where undefined.
        resamples: Number of bootstrap samples.
        confidence: Share of intervals that cover the mean, 0..1.
        seed: Of the bootstrap.
    """
    given = np.asarray(values, dtype=np.float64).ravel()
    x = given[np.isfinite(given)]
    missing = f"undefined on {len(given) - len(x)} of {len(given)} images" if len(x) < len(given) else ""
    if len(x) == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, "undefined on every image")
    mean = float(x.mean())
    if len(x) == 1:
        return Interval(mean, float("nan"), float("nan"), 1, _join("one image: no interval", missing))
    if np.ptp(x) == 0:
        return Interval(mean, mean, mean, len(x), _join("the same value on every image", missing))
    result = stats.bootstrap(
        (x,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // len(x)),  # memory stays flat in the number of images
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Interval(mean, float(low), float(high), len(x), missing)


def compare_with_best(values: pd.DataFrame, direction: Direction) -> list[Comparison]:
    """Test every method of one metric against the best other one: paired Wilcoxon, Holm's correction.

    Args:
        values: A row per image, a column per method; NaN where undefined. A missing image is the
            caller's mistake: rows are not dropped unless one of the two methods is undefined there.
        direction: Which values are better.
    """
    sign = 1 if direction == "higher" else -1
    means = (sign * values.mean()).dropna().sort_values(ascending=False, kind="stable")
    comparisons = []
    for method in values.columns:
        others = means.index[means.index != method]
        if len(others) == 0:
            note = "no other method to compare with"
            comparisons.append(Comparison(method, "", float("nan"), float("nan"), float("nan"), 0, note))
        else:
            comparisons.append(_wilcoxon(values[method], values[others[0]]))
    # The best one's test against the second is the second's against it, and counts once.
    tests = {one.method: one.p for one in comparisons if one.against == next(iter(means.index), None)}
    corrected = dict(zip(tests, holm([*tests.values()]), strict=True))
    nan = float("nan")
    return [replace(one, p_holm=corrected.get(one.method, corrected.get(one.against, nan))) for one in comparisons]


def _wilcoxon(method: "pd.Series[float]", against: "pd.Series[float]") -> Comparison:
    difference = (method - against).dropna().to_numpy()
    count, nan = len(difference), float("nan")
    if count == 0:
        return Comparison(str(method.name), str(against.name), nan, nan, nan, 0, "no image on which both are defined")
    mean = float(difference.mean())
    if not difference.any():
        note = "identical on every image"
        return Comparison(str(method.name), str(against.name), 0.0, 1.0, nan, count, note)
    if count < 6:
        # The least p of five pairs is 2 / 2^5 > .05: no outcome could be significant.
        note = f"{count} image{'s' * (count > 1)}: too few for a test"
        return Comparison(str(method.name), str(against.name), mean, nan, nan, count, note)
    return Comparison(str(method.name), str(against.name), mean, float(stats.wilcoxon(difference).pvalue), nan, count)


def holm(p_values: list[float]) -> list[float]:
    """Correct p-values for their number by Holm's step-down method; NaN stays and does not count."""
    # scipy has no correction by Holm, only by Benjamini and Hochberg, and a few lines do not justify statsmodels.
    p = np.asarray(p_values, dtype=np.float64)
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return [float(value) for value in corrected]


def average_ranks(scores: pd.DataFrame, directions: Mapping[str, Direction], *, alpha: float = 0.05) -> Ranking:
    """Rank methods over several metrics, with Friedman's test and Nemenyi's critical difference.

    On every image a method gets the mean, over the metrics, of its rank on that image; images then
    rank methods by that mean and are the blocks of Friedman's test. (Metrics as blocks would count
    correlated measurements of one image as independent witnesses.) A metric that is undefined for some
    method takes no part on that image.

    Args:
        scores: Rows of one data set: columns pair_id, method, metric, value; every method has every
            image and metric.
        directions: The metrics that count, and which values of each are better.
        alpha: Level of significance.
    """
    methods = sorted(scores["method"].unique())
    assert methods, "somebody to rank"
    total: NDArray[np.float64] | None = None
    used: NDArray[np.float64] | None = None
    left_out = {}
    for metric, direction in directions.items():
        rows = scores[scores["metric"] == metric]
        wide = rows.pivot(index="pair_id", columns="method", values="value").reindex(columns=methods)
        assert len(wide) > 0, f"{metric} was not scored"
        values = wide.to_numpy(dtype=np.float64) * (-1 if direction == "higher" else 1)
        defined = np.isfinite(values).all(axis=1)
        ranks = stats.rankdata(np.where(defined[:, None], values, 0), axis=1) * defined[:, None]
        left_out[metric] = int((~defined).sum())
        total = ranks if total is None else total + ranks
        used = defined.astype(np.float64) if used is None else used + defined
    assert total is not None, "at least one metric"
    assert used is not None, "at least one metric"
    places = total[used > 0] / used[used > 0, None]
    left_out = {metric: count for metric, count in left_out.items() if count}
    return _ranking(methods, places, tuple(directions), left_out, alpha)


def _ranking(
    methods: list[str], places: NDArray[np.float64], metrics: tuple[str, ...], left_out: dict[str, int], alpha: float
) -> Ranking:
    """Return the ranking of methods (columns) whose mean places over the metrics, on each image (rows), are given."""
    images, count = places.shape
    nan = float("nan")
    if images == 0:
        nobody = dict.fromkeys(methods, nan)
        return Ranking(nobody, nobody, nan, nan, (), 0, metrics, left_out, "no image on which all are defined")
    blocks = stats.rankdata(np.round(places, 9), axis=1)
    ranks = {
        method: float(rank) for rank, method in sorted(zip(blocks.mean(axis=0), methods, strict=True), key=lambda x: x)
    }
    means = dict(zip(methods, map(float, places.mean(axis=0)), strict=True))
    mean_places = {method: means[method] for method in ranks}
    if count < 3 or images < 2:
        why = "fewer than three methods" if count < 3 else "one image"
        return Ranking(ranks, mean_places, nan, nan, (), images, metrics, left_out, f"{why}: no Friedman test")
    # All tied within every image: nothing to tell apart, and the statistic is 0/0.
    tied = bool((blocks == blocks[:, :1]).all())
    p = 1.0 if tied else float(stats.friedmanchisquare(*blocks.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - alpha, count, np.inf)) / np.sqrt(2)
    critical = float(quantile * np.sqrt(count * (count + 1) / (6 * images)))
    groups = (tuple(ranks),) if p >= alpha else _runs(ranks, critical)
    return Ranking(ranks, mean_places, critical, p, groups, images, metrics, left_out)


def _runs(ranks: dict[str, float], width: float) -> tuple[tuple[str, ...], ...]:
    """Return the maximal runs of neighbours whose ranks span at most ``width``."""
    names, values = list(ranks), list(ranks.values())
    runs: list[tuple[str, ...]] = []
    end = 0
    for start, value in enumerate(values):
        reach = sum(other <= value + width for other in values)
        if reach > max(end, start + 1):
            runs.append(tuple(names[start:reach]))
            end = reach
    return tuple(runs)


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
