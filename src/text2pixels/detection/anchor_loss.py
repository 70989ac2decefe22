"""The loss of the anchor-based YOLOv5 (release 6: utils/loss.py of ultralytics/yolov5, hyp.scratch-low.yaml).

A box belongs to an anchor of a grid where neither its width nor its height is more than `RATIO` times the
anchor's or less than that share of it; a box may belong to several anchors, and to none. At each of those it
is asked of three cells: the one with its centre, and the nearest neighbour in x and in y. There

    box      1 - CIoU of the decoded and the labelled box, mean over these places
    category binary cross-entropy, mean over places and categories
    object   binary cross-entropy of every anchor of every cell with the CIoU (0 or more) of its place as target,
             0 where there is none; grids are weighted by `BALANCE`, as the finest has the most cells

Shapes: N boxes; P places (an anchor of a cell) that a box belongs to; K, H, W, D, L as in anchors.py.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

RATIO = 4.0
BALANCE = (4.0, 1.0, 0.4)  # of the objectness, finest grid first
_BOX, _OBJECT, _CATEGORY = 0.05, 1.0, 0.5  # gains for 3 grids, 640 pixels and 80 categories


def anchor_loss(raw: Sequence[Tensor], anchors_LK2: Tensor, targets_N6: Tensor, pixels: int) -> Tensor:
    """Return the weighted sum of the three losses, a mean over the batch.

    Over several processes the mean of their losses is the loss of the whole batch.

    Args:
        raw: of the head, L maps (B, K, H, W, D).
        anchors_LK2: of the head, in strides.
        targets_N6: image, category, and centre x, centre y, width, height in shares of the image's sides.
        pixels: the image's longer side, which the objectness' gain follows.
    """
    places = [
        assign(targets_N6, anchors_K2, each.shape[2:4]) for each, anchors_K2 in zip(raw, anchors_LK2, strict=True)
    ]
    shares_L = _shares(torch.tensor([len(place[0]) for place in places], dtype=torch.float32, device=raw[0].device))
    categories = raw[0].shape[-1] - 5
    box = category = objectness = raw[0].new_zeros(())
    for raw_BKHWD, anchors_K2, place, balance, share in zip(raw, anchors_LK2, places, BALANCE, shares_L, strict=True):
        image_P, anchor_P, row_P, column_P, category_P, box_P4 = place
        # Rows after one another in memory, whatever order the convolutions leave theirs in.
        wanted_BKHW = torch.zeros_like(raw_BKHWD[..., 4], memory_format=torch.contiguous_format)
        if len(image_P):
            out_PD = raw_BKHWD[image_P, anchor_P, row_P, column_P]
            centre_P2 = 2 * out_PD[:, :2].sigmoid() - 0.5
            size_P2 = (2 * out_PD[:, 2:4].sigmoid()) ** 2 * anchors_K2[anchor_P]
            ciou_P = complete_iou(torch.cat([centre_P2, size_P2], dim=1), box_P4)
            box = box + (1 - ciou_P).mean() * share
            # Of boxes that share a place the best found counts, so that their order does not.
            place_P = torch.from_numpy(
                np.ravel_multi_index([each.cpu().numpy() for each in place[:4]], wanted_BKHW.shape)
            )
            fit_P = ciou_P.detach().clamp(min=0).to(wanted_BKHW.dtype)
            wanted_BKHW.view(-1).scatter_reduce_(0, place_P.to(fit_P.device), fit_P, "amax")
            if categories > 1:
                one_hot_PC = torch.zeros_like(out_PD[:, 5:])
                one_hot_PC[torch.arange(len(category_P)), category_P] = 1
                category = category + binary_cross_entropy_with_logits(out_PD[:, 5:], one_hot_PC) * share
        objectness = objectness + balance * binary_cross_entropy_with_logits(raw_BKHWD[..., 4], wanted_BKHW)
    return _BOX * box + _CATEGORY * categories / 80 * category + _OBJECT * (pixels / 640) ** 2 * objectness


def assign(targets_N6: Tensor, anchors_K2: Tensor, grid: Sequence[int]) -> tuple[Tensor, ...]:
    """Return where the boxes belong on a grid: image, anchor, row, column, category (P,), and the box (P, 4).

    The box is centre x, centre y from the cell's corner, width and height, in cells.

    Args:
        targets_N6: as in `anchor_loss`.
        anchors_K2: width and height in cells.
        grid: rows and columns.
    """
    rows, columns = grid
    sides_2 = targets_N6.new_tensor([columns, rows])
    centre_N2, size_N2 = targets_N6[:, 2:4] * sides_2, targets_N6[:, 4:] * sides_2
    ratio_NK2 = size_N2[:, None] / anchors_K2
    fits_NK = torch.maximum(ratio_NK2, 1 / ratio_NK2).amax(dim=2) < RATIO
    number, anchor = fits_NK.nonzero(as_tuple=True)
    centre, size = centre_N2[number], size_N2[number]
    inside, from_far = centre % 1, (sides_2 - centre) % 1
    # A neighbour is asked where the centre is in the half of the cell on its side, and where it exists.
    left, above = ((inside < 0.5) & (centre > 1)).unbind(1)
    right, below = ((from_far < 0.5) & (sides_2 - centre > 1)).unbind(1)
    offsets_5J2 = targets_N6.new_tensor([[0, 0], [0.5, 0], [0, 0.5], [-0.5, 0], [0, -0.5]])
    asked_5J = torch.stack([torch.ones_like(left), left, above, right, below])
    direction, kept = asked_5J.nonzero(as_tuple=True)
    cell = (centre[kept] - offsets_5J2[direction]).long()
    column, row = cell[:, 0].clamp(0, columns - 1), cell[:, 1].clamp(0, rows - 1)
    place = torch.stack([column, row], dim=1)
    image, category = targets_N6[number[kept], :2].long().unbind(1)
    return image, anchor[kept], row, column, category, torch.cat([centre[kept] - place, size[kept]], dim=1)


def complete_iou(first_P4: Tensor, second_P4: Tensor) -> Tensor:
    """Return the complete IoU (Zheng et al., AAAI 2020) of boxes given as centre x, centre y, width, height, (P,)."""
    tiny = 1e-7
    (centre_1, size_1), (centre_2, size_2) = ((box[:, :2], box[:, 2:]) for box in (first_P4, second_P4))
    low_1, high_1, low_2, high_2 = (
        centre_1 - size_1 / 2,
        centre_1 + size_1 / 2,
        centre_2 - size_2 / 2,
        centre_2 + size_2 / 2,
    )
    common = (torch.minimum(high_1, high_2) - torch.maximum(low_1, low_2)).clamp(min=0).prod(dim=1)
    union = size_1.prod(dim=1) + size_2.prod(dim=1) - common + tiny
    iou = common / union
    hull = torch.maximum(high_1, high_2) - torch.minimum(low_1, low_2)
    distance = ((centre_1 - centre_2) ** 2).sum(dim=1) / ((hull**2).sum(dim=1) + tiny)
    angle_1, angle_2 = (torch.atan(size[:, 0] / (size[:, 1] + tiny)) for size in (size_1, size_2))
    shape = 4 / math.pi**2 * (angle_2 - angle_1) ** 2
    with torch.no_grad():
        weight = shape / (shape - iou + 1 + tiny)
    return iou - distance - weight * shape


def _shares(counts_L: Tensor) -> Tensor:
    """Return the factors that make the mean over processes equal to the mean over all places of the whole batch."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return torch.ones_like(counts_L)
    total = counts_L.clone()
    distributed.all_reduce(total)
    return counts_L * distributed.get_world_size() / total.clamp(min=1)
