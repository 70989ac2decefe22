"""The anchor-based head of the classic YOLOv5 (releases 2 to 7), as predictor only.

A box is decoded from a cell of the grid and an anchor (ultralytics/yolov5, models/yolo.py, "inference"):

    centre = (2 sigmoid(t_xy) - 0.5 + cell) * stride
    size   = (2 sigmoid(t_wh))^2 * anchor
    score  = sigmoid(t_object) * sigmoid(t_category)

Shapes: B batch; H, W cells of a grid; L grids; K anchors of a cell; C categories; A all anchors of all cells.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)


class AnchorHead(nn.Module):
    """A 1x1 convolution for each grid, and the decoding; its tensors have the names of the classic head's."""

    anchors: Tensor
    i: int  # where ultralytics' network runs this layer
    f: list[int]  # and on the results of which others

    def __init__(self, widths: Sequence[int], categories: int, anchors: int = 3) -> None:
        super().__init__()
        self.m = nn.ModuleList(nn.Conv2d(width, anchors * (5 + categories), 1) for width in widths)
        self.register_buffer("anchors", torch.zeros(len(widths), anchors, 2))  # in strides, as the files have them

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return centre x, centre y, width, height in pixels and C scores in [0, 1], (B, 4 + C, A).

        Args:
            features: L maps (B, width, H, W), finest first.
        """
        decoded = []
        for convolution, feature, anchors_K2, stride in zip(self.m, features, self.anchors, STRIDES, strict=True):
            batch, _, height, width = feature.shape
            raw_BKDHW = convolution(feature).view(batch, len(anchors_K2), -1, height, width)
            out_BKHWD = raw_BKDHW.permute(0, 1, 3, 4, 2).sigmoid()
            rows, columns = (torch.arange(side, device=feature.device) for side in (height, width))
            cells_HW2 = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
            centre = (2 * out_BKHWD[..., :2] - 0.5 + cells_HW2) * stride
            size = (2 * out_BKHWD[..., 2:4]) ** 2 * (anchors_K2 * stride)[:, None, None]
            scores = out_BKHWD[..., 4:5] * out_BKHWD[..., 5:]
            decoded.append(torch.cat([centre, size, scores], dim=-1).flatten(1, 3))
        return torch.cat(decoded, dim=1).transpose(1, 2)
