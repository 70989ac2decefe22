"""Zero-shot detection: a detector trained on COCO's photographs alone, applied to fused images unchanged.

COCO's classes are mapped to a data set's categories; those without a counterpart are left out.

Either the classic YOLOv5 with its anchor-based head, or ultralytics' u-variant of it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from text2pixels.detection.anchors import AnchorHead
from text2pixels.detection.detections import Detection
from text2pixels.detection.suppression import suppress
from text2pixels.detection.weights import read_foreign
from text2pixels.detection.yolo import build_network
from text2pixels.errors import InputError

IMAGE_SIZE = 640  # pixels of the longest side, which YOLOv5's weights were trained at

_CLASSES = 80
# Those of COCO's classes that infrared-visible sets label, with their place in COCO's order.
_COCO = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7, "traffic light": 9}
# M3FD's "Lamp" is the lamp of a street or of a signal: the nearest that COCO has is a traffic light.
_OTHER_NAMES = {"people": "person", "pedestrian": "person", "motorbike": "motorcycle", "lamp": "traffic light"}


def coco_classes(categories: Iterable[str]) -> dict[str, int]:
    """Return category -> COCO class, without the categories that COCO does not know."""
    names = {category: _OTHER_NAMES.get(category.lower(), category.lower()) for category in categories}
    return {category: _COCO[name] for category, name in names.items() if name in _COCO}


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
    network, layers = build_network(scale, _CLASSES)
    detect: Any = layers[-1]
    if f"model.{len(layers) - 1}.anchors" in foreign:
        head = AnchorHead([branch[0].conv.in_channels for branch in detect.cv2], _CLASSES)
        head.i, head.f = detect.i, detect.f
        layers[-1] = head
    own = network.state_dict()
    fitting = {name: value for name, value in foreign.items() if name in own and own[name].shape == value.shape}
    if len(fitting) < len(own):
        raise InputError(
            f"{path} has {len(fitting)} of the {len(own)} tensors of a YOLOv5{scale} of COCO's {_CLASSES} classes: "
            f"set detect.weights to yolov5{scale}.pt or yolov5{scale}u.pt, or detect.scale to the letter of the file"
        )
    network.load_state_dict(fitting)
    return CocoDetector(network, classes)
