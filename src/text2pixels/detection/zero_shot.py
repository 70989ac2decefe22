"""Zero-shot detection: a detector trained on COCO's photographs alone, applied to fused images unchanged.

COCO's classes are mapped to a data set's categories; those without a counterpart are left out.

Either the classic YOLOv5 with its anchor-based head, or ultralytics' u-variant of it.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.detection.detections import Detection
from text2pixels.detection.weights import COCO_CLASSES, STEM, read_foreign
from text2pixels.detection.yolo import build_network, suppress
from text2pixels.errors import InputError

IMAGE_SIZE = 640  # pixels of the longest side, which YOLOv5's weights were trained at
_STEM_CHANNELS = {16: "n", 32: "s", 48: "m", 64: "l", 80: "x"}


class CocoDetector:
    """A network of COCO's 80 classes that reports only those that a data set labels, under its names.

    Attributes:
        categories: the data set's categories that it can find, in order.
        network: gives (B, 4 + 80, A), alone or as the first of a tuple.
    """

    def __init__(self, network: nn.Module, classes: Mapping[str, int]) -> None:
        self.network, self.categories = network.eval(), tuple(classes)
        self._rows = [0, 1, 2, 3, *(4 + number for number in classes.values())]

    def to(self, device: torch.device) -> "CocoDetector":
        """Move the network."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def predict(self, images_B3HW: Tensor) -> list[list[Detection]]:
        """Return each image's detections, best first; images in [0, 1], sides multiples of 32."""
        output = self.network(images_B3HW)
        output_BDA = output[0] if isinstance(output, tuple) else output
        return suppress(output_BDA[:, self._rows], self.categories)


def scale_of(path: Path) -> str:
    """Return the scale of a file's network, "n", "s", "m", "l" or "x", by the channels of its first layer.

    Raises:
        InputError: missing, damaged, or no network of YOLOv5.
    """
    stem = read_foreign(path).get(STEM)
    found = None if stem is None else _STEM_CHANNELS.get(len(stem))
    if found is None:
        raise InputError(f"{path} holds no YOLOv5 network: expected weights such as yolov5n.pt")
    return found


def read_coco(path: Path, scale: str, classes: Mapping[str, int]) -> CocoDetector:
    """Return the COCO detector of a file.

    Args:
        path: a ``.pt`` file (its pickle is not run) or ``.safetensors``.
        scale: "n", "s", "m", "l" or "x".
        classes: as `coco_classes` returns them.

    Raises:
        InputError: missing, damaged, or not YOLOv5 weights of that scale and COCO's 80 classes.
    """
    foreign = read_foreign(path)
    classic = any(name.endswith(".anchors") for name in foreign)
    network, _ = build_network(scale, COCO_CLASSES, "anchors" if classic else "free")
    own = network.state_dict()
    fitting = {name: value for name, value in foreign.items() if name in own and own[name].shape == value.shape}
    if len(fitting) < len(own):
        raise InputError(
            f"{path} has {len(fitting)} of the {len(own)} tensors of a YOLOv5{scale} of COCO's {COCO_CLASSES} classes: "
            f"set detect.weights to yolov5{scale}.pt or yolov5{scale}u.pt, or detect.scale to the letter of the file"
        )
    network.load_state_dict(fitting)
    return CocoDetector(network, classes)
