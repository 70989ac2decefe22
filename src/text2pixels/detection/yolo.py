"""YOLOv5 as loss and as predictor, with the classic anchor-based head or ultralytics' anchor-free one (YOLOv5u).

The only module that imports ultralytics. Its trainer is not used: the same network and loss run
in loops of ours, so that images with a gradient to the fusion network can pass through, and so
that a run is deterministic.

Shapes: B batch; H, W image; A anchor points; C categories; D = 4 + C; N boxes.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import cv2
import torch
from PIL import Image
from torch import Tensor, nn

from text2pixels.detection.anchor_loss import anchor_loss
from text2pixels.detection.anchors import AnchorHead
from text2pixels.detection.detections import Detection
from text2pixels.image.boxes import Box

STRIDE = 32  # of the coarsest grid: image sides are multiples of it
_CANDIDATES = 300  # boxes kept per image, ultralytics' max_det
_GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)  # ultralytics' defaults

# What ultralytics replaces in other libraries when it is imported, for the whole process: with its own open,
# a file that is no image ends in "No module named 'pi_heif'".
_REPLACED = ((Image, "open"), (torch, "save"), (cv2, "imread"), (cv2, "imwrite"), (cv2, "imshow"))


def _ultralytics() -> ModuleType:
    """Import ultralytics.nn.tasks offline, silent, with nothing installed, synchronised or written to the home."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_VERBOSE"] = "false"
    os.environ["YOLO_CONFIG_DIR"] = str(Path(".cache/ultralytics").resolve())
    threads, omp = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    own = [(owner, name, getattr(owner, name)) for owner, name in _REPLACED]

    import ultralytics.nn.tasks as tasks
    from ultralytics.utils import SETTINGS

    off = dict.fromkeys(("sync", "dvc", "mlflow", "clearml", "comet", "raytune", "tensorboard", "wandb"), False)
    if any(SETTINGS[name] for name in off):
        SETTINGS.update(off)
    # The import sets OMP_NUM_THREADS=1 for itself and for child processes.
    if omp is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    torch.set_num_threads(threads)
    for owner, name, function in own:
        setattr(owner, name, function)
    return cast(ModuleType, tasks)


def build_network(
    scale: str, categories: int, head: str = "free", channels: int = 3
) -> tuple[nn.Module, nn.Sequential]:
    """Return a YOLOv5 network with random weights, and its layers, the head last.

    Args:
        scale: "n", "s", "m", "l" or "x".
        categories: number of them.
        head: "anchors" (classic) or "free" (YOLOv5u).
        channels: of the images.
    """
    tasks = _ultralytics()
    config = tasks.yaml_model_load(f"yolov5{scale}.yaml")
    network: Any = tasks.DetectionModel(config, ch=channels, nc=categories, verbose=False)
    network.args = _GAINS
    if head == "anchors":
        replaced: Any = network.model[-1]
        anchored = AnchorHead([branch[0].conv.in_channels for branch in replaced.cv2], categories)
        anchored.i, anchored.f = replaced.i, replaced.f
        network.model[-1] = anchored
    return network, network.model


class Detector:
    """A YOLOv5 network of given categories.

    Attributes:
        categories: names, in the order of the network's outputs.
        scale: "n", "s", "m", "l" or "x": ultralytics' compound scaling.
        head: "anchors" (classic) or "free" (YOLOv5u).
        channels: of the images; a fourth is the infrared's.
        network: the module; ``network.state_dict()`` is what is saved.
        layers: of the network, the head last.
    """

    def __init__(self, categories: Sequence[str], scale: str = "n", head: str = "anchors", channels: int = 3) -> None:
        self.categories, self.scale, self.head, self.channels = tuple(categories), scale, head, channels
        self.network, self.layers = build_network(scale, len(self.categories), head, channels)
        self._criterion: Any = None
        self._positives = torch.zeros(())

    def to(self, device: torch.device) -> "Detector":
        """Move the network, and forget the criterion, which is bound to a device."""
        self.network.to(device)
        self._criterion = None
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Return what is trained: all but the fixed weights that decode a box's distribution."""
        return [value for value in self.network.parameters() if value.requires_grad]

    def train(self, frozen_statistics: bool = False) -> None:
        """Switch to training; with frozen statistics, batch normalisation is a fixed affine map."""
        self.network.train()
        if frozen_statistics:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def loss(self, images_B3HW: Tensor, boxes: Sequence[Sequence[Box]]) -> Tensor:
        """Return the weighted sum of the head's losses, normalised over the batch.

        Of the classic head those of `anchor_loss`, of the anchor-free one ultralytics' box, class and
        distribution-focal losses.

        Args:
            images_B3HW: in [0, 1], sides multiples of 32; the gradient reaches them.
            boxes: per image, in its pixels; categories of `categories`.
        """
        height, width = images_B3HW.shape[2:]
        rows = [
            (
                float(index),
                float(self.categories.index(box.category)),
                (box.x + box.w / 2) / width,
                (box.y + box.h / 2) / height,
                box.w / width,
                box.h / height,
            )
            for index, image_boxes in enumerate(boxes)
            for box in image_boxes
        ]
        targets = torch.tensor(rows, device=images_B3HW.device).reshape(-1, 6)
        if self.head == "anchors":
            anchors_LK2 = cast(Tensor, self.layers[-1].anchors)
            raw = [each.float() for each in self.network(images_B3HW)]
            return anchor_loss(raw, anchors_LK2, targets, max(height, width))
        if self._criterion is None:
            from ultralytics.utils.loss import v8DetectionLoss

            self._criterion = v8DetectionLoss(self.network)
            self._criterion.assigner.register_forward_hook(self._count_positives)
        batch = {"batch_idx": targets[:, 0], "cls": targets[:, 1:2], "bboxes": targets[:, 2:]}
        terms, _ = self._criterion(self.network(images_B3HW), batch)
        return cast(Tensor, terms.sum() / len(images_B3HW)) * self._share_of_positives()

    def _count_positives(self, _module: nn.Module, _arguments: object, output: tuple[Tensor, ...]) -> None:
        self._positives = output[2].sum()

    def _share_of_positives(self) -> Tensor:
        """Return the factor that makes the mean over processes equal to the loss of the whole batch.

        Each process divides by the sum of its own target scores; the whole batch by the sum of all.
        """
        distributed = torch.distributed
        if not (distributed.is_available() and distributed.is_initialized()):
            return torch.ones((), device=self._positives.device)
        total = self._positives.clone()
        distributed.all_reduce(total)
        return self._positives.clamp(min=1) * distributed.get_world_size() / total.clamp(min=1)

    @torch.no_grad()
    def predict(self, images_B3HW: Tensor, threshold: float = 0.001, overlap: float = 0.7) -> list[list[Detection]]:
        """Return each image's detections, best first.

        Args:
            images_B3HW: in [0, 1], sides multiples of 32.
            threshold: least score.
            overlap: intersection over union above which the lesser box of a category is dropped.
        """
        self.network.eval()
        output = self.network(images_B3HW)
        return suppress(output if self.head == "anchors" else output[0], self.categories, threshold, overlap)


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
