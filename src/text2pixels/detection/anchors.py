"""The anchor-based head of the classic YOLOv5 (releases 6 and 7).

A box is decoded from a cell of the grid and an anchor (ultralytics/yolov5, models/yolo.py, "inference"):

    centre = (2 sigmoid(t_xy) - 0.5 + cell) * stride
    size   = (2 sigmoid(t_wh))^2 * anchor
    score  = sigmoid(t_object) * sigmoid(t_category)

Shapes: B batch; H, W cells of a grid; L grids; K anchors of a cell; C categories; D = 5 + C raw outputs of an
anchor: x, y, width, height, objectness, categories; A all anchors of all cells.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)

# Width and height in pixels, of the anchors of each grid: found by k-means on COCO's boxes (models/yolov5n.yaml).
COCO_ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


class AnchorHead(nn.Module):
    """A 1x1 convolution for each grid; its tensors have the names of the classic head's."""

    anchors: Tensor
    i: int  # where ultralytics' network runs this layer
    f: list[int]  # and on the results of which others

    def __init__(self, widths: Sequence[int], categories: int) -> None:
        super().__init__()
        anchors_LK2 = torch.tensor(COCO_ANCHORS, dtype=torch.float32) / torch.tensor(STRIDES)[:, None, None]
        per_cell = anchors_LK2.shape[1]
        self.m = nn.ModuleList(nn.Conv2d(width, per_cell * (5 + categories), 1) for width in widths)
        self.register_buffer("anchors", anchors_LK2)  # in strides, as the files have them
        self._start_rare(categories)

    def _start_rare(self, categories: int) -> None:
        """Let random weights begin with what is likely: 8 objects in an image of 640 pixels, each category alike."""
        for convolution, stride in zip(self.m, STRIDES, strict=True):
            with torch.no_grad():
                bias_KD = cast(Tensor, convolution.bias).view(self.anchors.shape[1], -1)
                bias_KD[:, 4] += math.log(8 / (640 / stride) ** 2)
                bias_KD[:, 5:] += math.log(0.6 / (categories - 0.99999))

    def raw(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs before any sigmoid, L maps (B, K, H, W, D).

        Args:
            features: L maps (B, width, H, W), finest first.
        """
        outputs = []
        for convolution, feature in zip(self.m, features, strict=True):
            batch, _, height, width = feature.shape
            raw_BKDHW = convolution(feature).view(batch, self.anchors.shape[1], -1, height, width)
            outputs.append(raw_BKDHW.permute(0, 1, 3, 4, 2))
        return outputs

    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Return centre x, centre y, width, height in pixels and C scores in [0, 1], (B, 4 + C, A)."""
        decoded = []
        for raw_BKHWD, anchors_K2, stride in zip(raw, self.anchors, STRIDES, strict=True):
            height, width = raw_BKHWD.shape[2:4]
            out_BKHWD = raw_BKHWD.sigmoid()
            rows, columns = (torch.arange(side, device=out_BKHWD.device) for side in (height, width))
            cells_HW2 = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
            centre = (2 * out_BKHWD[..., :2] - 0.5 + cells_HW2) * stride
            size = (2 * out_BKHWD[..., 2:4]) ** 2 * (anchors_K2 * stride)[:, None, None]
            scores = out_BKHWD[..., 4:5] * out_BKHWD[..., 5:]
            decoded.append(torch.cat([centre, size, scores], dim=-1).flatten(1, 3))
        return torch.cat(decoded, dim=1).transpose(1, 2)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor] | Tensor:
        """Return what the loss needs while training (`raw`), and boxes else (`decode`)."""
        raw = self.raw(features)
        return raw if self.training else self.decode(raw)
