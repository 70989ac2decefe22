"""Late fusion: detection on both images of a pair, the boxes merged. It needs no fused image.

Of the boxes that a detector found in the infrared and another in the visible, those of one category that
overlap are taken for the same object, and the one with the better score stays (non-maximum suppression).
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from text2pixels.analysis.average_precision import overlaps
from text2pixels.detection.detections import SCHEMA

_OVERLAP = 0.6  # intersection over union above which two boxes of a category are one object
_MOST = 300  # boxes kept of an image, as of any method

Row = dict[str, object]


def merge(infrared: pa.Table, visible: pa.Table) -> pa.Table:
    """Return the detections of late fusion, under each protocol of which both tables tell the same images.

    Args:
        infrared: detections as `detection.detections.read_detections` returns them.
        visible: likewise, by the same seeds and folds.
    """
    kept: list[Row] = []
    own, other = (_by_image(table.to_pylist()) for table in (infrared, visible))
    for key in own.keys() & other.keys():
        kept += [row for row in own[key] if row["kind"] != "detection"]
        found = [row for rows in (own[key], other[key]) for row in rows if row["kind"] == "detection"]
        kept += suppress(found)
    return pa.Table.from_pylist(sorted(kept, key=_order), schema=SCHEMA)


def suppress(found: Iterable[Row], overlap: float = _OVERLAP) -> list[Row]:
    """Return the boxes of an image, best first, without those that a better one of their category overlaps.

    Args:
        found: rows of detections.
        overlap: intersection over union above which the box with the lower score is dropped.
    """
    waiting = sorted(found, key=lambda row: -_number(row["score"]))
    boxes = {id(row): _box(row) for row in waiting}
    kept: list[Row] = []
    for row in waiting:
        better = [boxes[id(one)] for one in kept if one["category"] == row["category"]]
        if not better or overlaps(boxes[id(row)][None], np.stack(better)).max() <= overlap:
            kept.append(row)
    return kept[:_MOST]


def _by_image(rows: Iterable[Row]) -> dict[tuple[object, ...], list[Row]]:
    images: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        images.setdefault(tuple(row[name] for name in ("protocol", "fold", "seed", "pair_id")), []).append(row)
    return images


def _order(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("protocol", "seed", "fold", "pair_id"))


def _number(value: object) -> float:
    assert isinstance(value, float | int), value
    return float(value)


def _box(row: Row) -> NDArray[np.float64]:
    return np.array([_number(row[name]) for name in "xywh"])
