"""From a network's raw boxes to detections: the score's threshold, and non-maximum suppression.

Shapes: B batch; A anchor points; C categories; D = 4 + C.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from text2pixels.detection.detections import Detection

_CANDIDATES = 300  # boxes kept per image, ultralytics' max_det


def suppress(
    output_BDA: Tensor, categories: Sequence[str], threshold: float = 0.001, overlap: float = 0.7
) -> list[list[Detection]]:
    """Return each image's detections, best first.

    Args:
        output_BDA: centre x, centre y, width, height in pixels, and C scores.
        categories: C names.
        threshold: least score; the low default is ultralytics' for measuring average precision.
        overlap: intersection over union above which the lesser box of a category is dropped.
    """
    from torchvision.ops import batched_nms

    found = []
    for output_DA in output_BDA.float():
        anchor, category = (threshold < output_DA[4:].T).nonzero().unbind(1)
        score = output_DA[4 + category, anchor]
        centre, size = output_DA[:2, anchor].T, output_DA[2:4, anchor].T
        corners = torch.cat([centre - size / 2, centre + size / 2], dim=1)
        keep = batched_nms(corners, score, category, overlap)[:_CANDIDATES]
        found.append(
            [
                Detection(categories[c], s, x0, y0, x1 - x0, y1 - y0)
                for c, s, (x0, y0, x1, y1) in zip(
                    category[keep].tolist(), score[keep].tolist(), corners[keep].tolist(), strict=True
                )
            ]
        )
    return found
