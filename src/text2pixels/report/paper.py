"""The page `paper`: the paper's tables and figures in its order, from this run, gaps named."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2pixels.analysis.paper import (
    FUSION_METRICS,
    FUSION_SETS,
    RIVALS,
    aside,
    detection_set,
    fusion_set,
    mean_of,
    paper_tables,
    precision_of,
    variant_of,
)
from text2pixels.analysis.results import DatasetResults, Results
from text2pixels.report import figures
from text2pixels.report.paper_pictures import SHOWN_SCORE, Strip, write_cuttings, write_detections

_DETECTED = 4  # pairs of Figure 6
_NO_BOXES = "no data set of this run has detections in folds"


@dataclass(frozen=True)
class Pictures:
    """A figure of the paper made of pictures.

    Attributes:
        number: In the paper.
        title: In words.
        strips: One a pair.
        gaps: What this run lacks, in words.
    """

    number: int
    title: str
    strips: list[Strip] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Variants:
    """A figure that shows variants of the network: label -> changes to the reference."""

    number: int
    title: str
    rows: Mapping[str, Mapping[str, str]]
    boxes: bool = False


_ATTENTION = ("network.self_attention", "network.cross_attention")
_VARIANTS = (
    _Variants(
        9,
        "Optimisation strategies",
        {"separate": {"train.strategy": "separate"}, "joint": {"train.strategy": "joint"}, "bilevel": {}},
        boxes=True,
    ),
    _Variants(
        10,
        "Loss functions: sl structure loss, cl content consistency loss",
        {"w/o sl": {"losses.structure": "0.0"}, "w/o cl": {"losses.content": "0.0"}, "both": {}},
    ),
    _Variants(
        11,
        "Attention mechanisms: Att_S self-attention, Att_C cross-attention",
        {
            "neither": dict.fromkeys(_ATTENTION, "false"),
            "Att_S": {_ATTENTION[1]: "false"},
            "Att_C": {_ATTENTION[0]: "false"},
            "both": {},
        },
    ),
    _Variants(12, "Coarse and fine prompts, detection", {"coarse": {"train.prompts": "coarse"}, "fine": {}}, True),
    _Variants(12, "With and without text, fusion", {"without": {"train.prompts": "none"}, "with": {}}),
)


def paper_page(folder: Path, results: Results, *, images: bool = True) -> dict[str, Any]:
    """Write the pictures of the page into the site's folder, if it is to have any; return what its template shows."""
    sets = {title: fusion_set(results, key) for key, title in FUSION_SETS.items()}
    shown = [data for data in sets.values() if data] or results.datasets[:1]
    detected = detection_set(results) or next((data for data in results.datasets if data.precision), None)
    ours = results.variants[0] if results.variants else None
    compared = _in_the_papers_order(results, ours)
    labels = [(f"{method} {aside(results, method)}".strip(), method) for method in compared]
    lacking = [name for name in RIVALS if name not in compared]
    absent = [f"{', '.join(lacking)}: not among the methods of this run"] if lacking else []
    absent += [] if ours else ["ours: this run trains no network"]
    figure5 = Pictures(5, "Fusion, one pair of each data set", gaps=absent)
    if images:
        figure5.strips.extend(write_cuttings(folder, "figure5", data, labels) for data in shown)
    figure5.gaps.extend(f"{title}: this run has no pairs of it" for title, data in sets.items() if data is None)
    figure6 = Pictures(6, "Detection", gaps=list(absent))
    if detected and images:
        figure6.strips.extend(write_detections(folder, "figure6", detected, labels, _DETECTED))
    figure6.gaps.extend(_no_m3fd(results, detected))
    rivals = [*RIVALS, *([ours] if ours else [])]
    means = {
        title: {
            metric: {method: mean_of(data, method, metric) if data else math.nan for method in rivals}
            for metric in FUSION_METRICS
        }
        for title, data in sets.items()
    }
    return {
        "tables": {table.number: table for table in paper_tables(results)},
        "figure5": figure5,
        "figure6": figure6,
        "figure7": figures.bars(means),
        "missing": [*absent, *figure5.gaps[len(absent) :]],
        "figure8": _precision_and_time(results, detected, compared),
        "detected": detected,
        "shown_score": SHOWN_SCORE,
        "notes": _notes(results),
        "detection_gaps": _no_m3fd(results, detected),
        "variants_shown": [_variants(folder, spec, results, shown[0], detected) for spec in _VARIANTS if images],
    }


def _in_the_papers_order(results: Results, ours: str | None) -> list[str]:
    """Return the methods that are compared: sources, the paper's seven, the others, ours last."""
    first = [name for name in ("infrared", "visible", *RIVALS) if name in results.methods]
    others = [name for name in results.methods if name not in first and name != ours]
    return [*first, *others, *([ours] if ours else [])]


def _notes(results: Results) -> list[str]:
    """Return how many pairs this run has of each of the paper's data sets."""
    counts = [
        f"{title} {len(data.test)}"
        for key, title in FUSION_SETS.items()
        if (data := fusion_set(results, key)) is not None
    ]
    return [f"Test pairs here: {', '.join(counts)}."] if counts else []


def _no_m3fd(results: Results, detected: DatasetResults | None) -> list[str]:
    if detected is None:
        return [_NO_BOXES]
    if detection_set(results) is None:
        return [f"M3FD: this run has no labelled pairs of it; shown is {detected.adapter.title}"]
    return []


def _precision_and_time(results: Results, detected: DatasetResults | None, methods: list[str]) -> str | None:
    points = {
        method: (results.costs[method]["seconds"], precision)
        for method in methods
        if math.isfinite(precision := precision_of(detected, method)) and method not in ("infrared", "visible")
    }
    if not points:
        return None
    return figures.cost_and_quality(points, "time a pair (logarithmic)", "AP50:95, mean", lower_is_better=False)


def _variants(
    folder: Path, spec: _Variants, results: Results, data: DatasetResults, detected: DatasetResults | None
) -> Pictures:
    made = Pictures(spec.number, spec.title)
    rows = {label: variant_of(results, changes) for label, changes in spec.rows.items()}
    if None in rows.values():
        made.gaps.extend(f"{label}: no variant of this run" for label, variant in rows.items() if variant is None)
    present = [(label, variant) for label, variant in rows.items() if variant]
    if not present:
        return made
    name = f"figure{spec.number}"
    if not spec.boxes:
        made.strips.append(write_cuttings(folder, f"{name}-fusion", data, present))
    elif detected:
        made.strips.extend(write_detections(folder, f"{name}-detection", detected, present, 1))
    else:
        made.gaps.append(_NO_BOXES)
    return made
