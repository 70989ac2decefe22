"""COCO's average precision of detections: the one estimate that training watches and the analysis reports.

It is faster-coco-eval's: 101 recall points, at most 100 detections per image and category, all areas.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from text2pixels.detection.detections import Detection
from text2pixels.image.boxes import Box

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of intersection over union


def mean_precision_50(truth: Mapping[str, Sequence[Box]], found: Mapping[str, Sequence[Detection]]) -> float | None:
    """Return AP50, 0..1, as the mean over the categories that occur in the truth; None where nothing is to be found.

    Args:
        truth: image -> its labelled boxes.
        found: image -> what a detector found in it; the images of ``truth``.
    """
    categories = sorted({box.category for boxes in truth.values() for box in boxes})
    if not categories:
        return None
    truths, detections = (
        [{"pair_id": image, "score": None} | vars(row) for image, rows in side.items() for row in rows]
        for side in (truth, found)
    )
    return float(coco_precision(list(truth), truths, detections, categories)[:, 0].mean())


def coco_precision(
    images: list[str], truths: list[dict[str, object]], found: list[dict[str, object]], categories: list[str]
) -> NDArray[np.float64]:
    """Return faster-coco-eval's average precision, (category, 10 thresholds)."""
    from faster_coco_eval import COCO, COCOeval_faster

    image_ids = {pair_id: number for number, pair_id in enumerate(images, start=1)}
    category_ids = {category: number for number, category in enumerate(categories, start=1)}

    def annotation(number: int, row: dict[str, object]) -> dict[str, object]:
        return {
            "id": number,
            "image_id": image_ids[str(row["pair_id"])],
            "category_id": category_ids[str(row["category"])],
            "bbox": [row["x"], row["y"], row["w"], row["h"]],
            "area": float(row["w"]) * float(row["h"]),  # type: ignore[arg-type]
            "iscrowd": 0,
            "score": row["score"],
        }

    truth = COCO(
        {
            "images": [{"id": number} for number in image_ids.values()],
            "categories": [{"id": number, "name": category} for category, number in category_ids.items()],
            "annotations": [annotation(number, row) for number, row in enumerate(truths, start=1)],
        }
    )
    known = [row for row in found if row["category"] in category_ids]
    if not known:
        return np.zeros((len(categories), len(THRESHOLDS)))
    detected = truth.loadRes([annotation(number, row) for number, row in enumerate(known, start=1)])
    evaluation = COCOeval_faster(truth, detected, iouType="bbox", print_function=lambda *_: None)
    evaluation.evaluate()
    evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"], dtype=np.float64)[
        :, :, :, 0, -1
    ]  # threshold, recall, category
    points: NDArray[np.float64] = precision.mean(axis=1).T
    return points
