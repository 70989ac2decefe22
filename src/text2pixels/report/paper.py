"""The page `paper`: the paper's tables and figures in its order, from this run; what the run lacks is named."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2pixels.analysis.detection import DRAWN, detector_of, leading
from text2pixels.analysis.paper import (
    FUSION_METRICS,
    FUSION_SETS,
    RIVALS,
    VARIANTS,
    aside,
    detection_set,
    fusion_set,
    listed,
    mean_of,
    paper_tables,
    precision_of,
    rival_of,
    variant_of,
)
from text2pixels.analysis.results import DatasetResults, Results
from text2pixels.report import figures
from text2pixels.report.pictures import Strip, WithoutText, write_cuttings, write_detections

_DETECTED = 4  # pairs of Figure 6
_NO_BOXES = "This run has no detections by a detector of its own to show."


@dataclass(frozen=True)
class Pictures:
    """A figure of the paper made of pictures.

    Attributes:
        number: In the paper.
        title: In words.
        gap: A sentence: what this run lacks; "" where it lacks nothing.
        strips: One a pair.
    """

    number: int
    title: str
    gap: str = ""
    strips: list[Strip] = field(default_factory=list)


@dataclass(frozen=True)
class _Variants:
    """A figure that shows variants of the network: label -> changes to the reference.

    With ``boxes`` the pictures show the boxes found in them; with ``bare`` there is one more picture, which the network
    that is compared makes of the pair without a prompt.
    """

    number: int
    title: str
    rows: Mapping[str, Mapping[str, str]]
    boxes: bool = False
    bare: bool = False


_VARIANTS = (
    _Variants(
        9,
        "",
        {"separate": {"train.strategy": "separate"}, "joint": {"train.strategy": "joint"}, "bilevel": {}},
        boxes=True,
    ),
    _Variants(
        10,
        "sl is the structure loss, cl the content consistency loss",
        {"w/o sl": VARIANTS["w/o sl"], "w/o cl": VARIANTS["w/o cl"], "both": VARIANTS["Ours"]},
    ),
    _Variants(
        11,
        "Att_S is self-attention, Att_C cross-attention",
        {"neither": VARIANTS["M1"], "Att_S": VARIANTS["M2"], "Att_C": VARIANTS["M3"], "both": VARIANTS["M4"]},
    ),
    _Variants(
        12, "Coarse and fine prompts, detection", {"coarse": {"train.prompts": "coarse"}, "fine": {}}, boxes=True
    ),
    _Variants(
        12,
        "With and without text, fusion",
        {"trained without text": {"train.prompts": "none"}, "with its prompt": {}},
        bare=True,
    ),
)


def paper_page(
    folder: Path, results: Results, without_text: WithoutText | None = None, *, images: bool = True
) -> dict[str, Any]:
    """Write the pictures of the page into the site's folder, if it is to have any; return what its template shows.

    Args:
        folder: Of the site.
        results: Of the run.
        without_text: The network that is compared, to fuse a pair without its prompt.
        images: False: tables and charts alone.
    """
    sets = {title: fusion_set(results, key) for key, title in FUSION_SETS.items()}
    shown = [data for data in sets.values() if data] or results.datasets[:1]
    detected = detection_set(results) or next((data for data in results.datasets if data.precision), None)
    ours = results.variants[0] if results.variants else None
    compared = _in_the_papers_order(results, ours)
    labels = [(f"{method} {aside(results, method)}".strip(), method) for method in compared]
    no_pairs = [title for title, data in sets.items() if data is None]
    no_method = [
        *(name for name in RIVALS if rival_of(results, name) is None),
        *([] if ours else ["a network trained here"]),
    ]
    stands_in = shown[0].adapter.title if len(no_pairs) == len(sets) else ""
    figure5 = Pictures(5, "Fusion, one pair of each data set", _lacking("pairs", no_pairs, no_method, stands_in))
    if images:
        figure5.strips.extend(write_cuttings(folder, "figure5", data, labels) for data in shown)
    gap = _NO_BOXES
    if detected:
        instead = "" if detection_set(results) else detected.adapter.title
        gap = _lacking("labelled pairs", ["M3FD"] if instead else [], no_method, instead)
    figure6 = Pictures(6, "Detection", gap)
    if detected and images:
        figure6.strips.extend(write_detections(folder, "figure6", detected, labels, _DETECTED))
    drawn = [*_rivals(results), *([ours] if ours else [])]
    means = {
        title: {metric: {method: mean_of(data, method, metric) for method in drawn} for metric in FUSION_METRICS}
        for title, data in sets.items()
        if data and drawn
    }
    return {
        "tables": {table.number: table for table in paper_tables(results)},
        "figure5": figure5,
        "figure6": figure6,
        "figure7": figures.bars(means) if means else None,
        "figure7_gap": _lacking("pairs", no_pairs, no_method if means or not no_pairs else []),
        "figure8": _precision_and_time(results, detected, compared),
        "detected": detected,
        "detector": detector_of(scope) if detected and (scope := leading(detected.protocols)) else "",
        "shown_score": DRAWN,
        "notes": _notes(results),
        "variants_shown": [
            _variants(folder, spec, results, shown[0], detected, without_text) for spec in _VARIANTS if images
        ],
    }


def _rivals(results: Results) -> list[str]:
    """Return the methods of a run that are the paper's rivals, in its order."""
    return [found for name in RIVALS if (found := rival_of(results, name))]


def _in_the_papers_order(results: Results, ours: str | None) -> list[str]:
    """Return the methods that are compared: sources, the paper's seven, the others, ours last."""
    first = [*(name for name in ("infrared", "visible") if name in results.methods), *_rivals(results)]
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


def _lacking(pairs: str, sets: list[str], methods: list[str], instead: str = "") -> str:
    """Return what a figure lacks as a sentence, and which data set stands in for it; "" where it lacks nothing."""
    lacking = [f"{pairs} of {listed(sets)}"] if sets else []
    lacking += [listed(methods)] if methods else []
    if not lacking:
        return ""
    shown = f"; shown instead: {instead}" if instead else ""
    return f"Not in this run: {'; '.join(lacking)}{shown}."


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
    folder: Path,
    spec: _Variants,
    results: Results,
    data: DatasetResults,
    detected: DatasetResults | None,
    without_text: WithoutText | None,
) -> Pictures:
    rows = {label: variant_of(results, changes) for label, changes in spec.rows.items()}
    present = [(label, variant) for label, variant in rows.items() if variant]
    bare = without_text if spec.bare and without_text and without_text.names else None
    missing = [label for label, variant in rows.items() if variant is None]
    gap = f"Variants not in this run: {listed(missing)}." if missing else ""
    if len(present) + (bare is not None) < 2:
        return Pictures(spec.number, spec.title, gap)  # one picture alone compares nothing
    name = f"figure{spec.number}"
    if not spec.boxes:
        return Pictures(spec.number, spec.title, gap, [write_cuttings(folder, f"{name}-fusion", data, present, bare)])
    if detected is None:
        return Pictures(spec.number, spec.title, _NO_BOXES)
    strips = write_detections(folder, f"{name}-detection", detected, present, 1)
    return Pictures(spec.number, spec.title, gap, strips)
