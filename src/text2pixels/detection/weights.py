"""A detector on disk: detector.safetensors beside detector.json, which rebuilds it."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from text2pixels import config, tensor_files
from text2pixels.detection.pickled import read_tensors
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError

LAYOUT = tensor_files.Layout("detector", "detector.safetensors", "detector.json", "dvc repro pretrain", version=2)
SCALES = ("n", "s", "m", "l", "x")
HEADS = ("anchors", "free")
_LEAST_SHARE = 0.7  # of the tensors of a network with another head that foreign weights must fit
STEM, _COLOURS = "model.0.conv.weight", 3

COCO_CLASSES = 80
# Those of COCO's classes that infrared-visible sets label, with their place in COCO's order.
_COCO = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7, "traffic light": 9}
# M3FD's "Lamp" is the lamp of a street or of a signal: the nearest that COCO has is a traffic light.
_OTHER_NAMES = {"people": "person", "pedestrian": "person", "motorbike": "motorcycle", "lamp": "traffic light"}


def starts_whole(settings: config.Detect) -> bool:
    """Tell whether ``detect.weights`` starts a detector head and all, so that a short schedule is enough for it.

    COCO's do so for the classic head, a folder of a detector of ours for the head that it has.
    """
    return settings.weights is not None and (settings.head == "anchors" or Path(settings.weights).is_dir())


def known_to(path: Path, categories: Iterable[str]) -> tuple[str, ...]:
    """Return those of the categories that given weights know: COCO's file, or the folder of a detector of ours.

    Raises:
        InputError: no detector in that folder.
    """
    if not path.is_dir():
        return tuple(coco_classes(categories))
    known = read(path).categories
    return tuple(category for category in categories if category in known)


def coco_classes(categories: Iterable[str]) -> dict[str, int]:
    """Return category -> COCO class, without the categories that COCO does not know."""
    names = {category: _OTHER_NAMES.get(category.lower(), category.lower()) for category in categories}
    return {category: _COCO[name] for category, name in names.items() if name in _COCO}


def save(folder: Path, detector: Detector, metadata: dict[str, Any]) -> None:
    """Write the detector into a folder, made if it is not there; `tensor_files` says how its two files hold together.

    Args:
        folder: other files in it stay.
        detector: on any device.
        metadata: what JSON can hold: what made the detector.
    """
    facts = {
        "architecture": "YOLOv5" if detector.head == "anchors" else "YOLOv5u",
        "head": detector.head,
        "channels": detector.channels,
        "scale": detector.scale,
        "categories": list(detector.categories),
    }
    tensor_files.write(folder, LAYOUT, detector.network.state_dict(), facts | metadata)


def read(folder: Path) -> Detector:
    """Return the detector of a folder.

    Raises:
        InputError: missing, cut short, of another detector, or of another version.
    """
    facts = tensor_files.describe(folder, LAYOUT)
    categories, scale = facts.get("categories"), facts.get("scale")
    head, channels = facts.get("head"), facts.get("channels")
    if not isinstance(categories, list) or not categories or scale not in SCALES:
        raise InputError(f"{folder / LAYOUT.description}: expected categories, and a scale of {', '.join(SCALES)}")
    if head not in HEADS or not isinstance(channels, int) or not 1 <= channels <= 16:
        raise InputError(
            f"{folder / LAYOUT.description}: expected a head of {', '.join(HEADS)} and channels from 1 to 16; write it "
            f"again with: {LAYOUT.writer}"
        )
    tensors = tensor_files.read_tensors(folder, LAYOUT, facts)
    detector = Detector(categories, scale, str(head), channels)
    try:
        detector.network.load_state_dict(tensors)
    except RuntimeError as error:  # torch lists every tensor that does not fit, a line each
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{folder / LAYOUT.weights} is of another detector than {LAYOUT.description} describes ({reason}); write "
            f"it again with: {LAYOUT.writer}"
        ) from error
    return detector


def read_foreign(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a ``.pt`` (its pickle is not run) or ``.safetensors`` file, by name.

    Raises:
        InputError: missing or damaged.
    """
    if path.suffix != ".safetensors":
        return read_tensors(path)
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot read weights {path}: {error}") from error


def transplant(detector: Detector, path: Path) -> int:
    """Copy every tensor of a ``.pt`` or ``.safetensors`` file that fits by name and shape; return how many.

    A folder of a detector of ours gives all tensors, of the classes those of the detector's categories.

    Between two anchor-based heads, that is all of them: the rows of the detector's categories are taken from
    COCO's, and a category that COCO does not know starts from the objectness alone. Into an anchor-free head a
    classic file gives backbone and neck, a u-variant all but its class outputs. A fourth channel of the images,
    the infrared, gets the sum of the kernels of the three colours, and all four half their weight: the network
    starts as what it was, on the mean of the two images.

    Raises:
        InputError: unreadable, of another architecture or scale, or a detector of ours without those categories.
    """
    if path.is_dir():
        return _from_own(detector, read(path), path)
    foreign = read_foreign(path)
    own = detector.network.state_dict()
    head = f"model.{len(detector.layers) - 1}"
    if detector.head == "anchors":
        if f"{head}.anchors" not in foreign:
            raise InputError(
                f"{path} has no anchors: set detect.weights to yolov5{detector.scale}.pt, or detect.head to free"
            )
        rows = coco_classes(detector.categories)
        for name in [name for name in foreign if name.startswith(f"{head}.m.")]:
            foreign[name] = _rows(foreign[name], [rows.get(category) for category in detector.categories], COCO_CLASSES)
    if detector.channels == _COLOURS + 1 and STEM in foreign:
        foreign[STEM] = _with_infrared(foreign[STEM])
    fitting = {name: value for name, value in foreign.items() if name in own and own[name].shape == value.shape}
    least = len(own) if detector.head == "anchors" else _LEAST_SHARE * len(own)
    if len(fitting) < least:
        raise InputError(
            f"{path} fits {len(fitting)} of the {len(own)} tensors of YOLOv5{detector.scale} with the head "
            f"'{detector.head}': expected weights of yolov5{detector.scale}"
            + (f" or yolov5{detector.scale}u" if detector.head == "free" else " of COCO's 80 classes")
        )
    detector.network.load_state_dict(own | fitting)
    return len(fitting)


def inflate(detector: Detector) -> Detector:
    """Return the detector with a fourth channel, as `transplant` makes it: at first it sees the mean of both images."""
    inflated = Detector(detector.categories, detector.scale, detector.head, _COLOURS + 1)
    tensors = detector.network.state_dict()
    inflated.network.load_state_dict(tensors | {STEM: _with_infrared(tensors[STEM])})
    return inflated


def _with_infrared(stem: Tensor) -> Tensor:
    return torch.cat([stem, stem.sum(dim=1, keepdim=True)], dim=1) / 2


def _from_own(detector: Detector, other: Detector, path: Path) -> int:
    if (other.scale, other.head) != (detector.scale, detector.head):
        raise InputError(
            f"{path} is a YOLOv5{other.scale} with the head '{other.head}': set detect.scale to {other.scale} and "
            f"detect.head to {other.head}"
        )
    if unknown := [category for category in detector.categories if category not in other.categories]:
        raise InputError(
            f"{path} knows {', '.join(other.categories)}, not {', '.join(unknown)}: set detect.weights to null or to "
            "weights of COCO"
        )
    tensors = other.network.state_dict()
    rows = [other.categories.index(category) for category in detector.categories]
    head = f"model.{len(detector.layers) - 1}"
    for name in tensors:
        if name.startswith(f"{head}.m."):
            tensors[name] = _rows(tensors[name], rows, len(other.categories))
        elif re.fullmatch(rf"{re.escape(head)}\.cv3\.\d+\.2\.(weight|bias)", name):  # a row for each class
            tensors[name] = tensors[name][rows]
    if detector.channels == _COLOURS + 1 and other.channels == _COLOURS:
        tensors[STEM] = _with_infrared(tensors[STEM])
    detector.network.load_state_dict(tensors)
    return len(tensors)


def _rows(value: Tensor, classes: Sequence[int | None], count: int) -> Tensor:
    """Return a tensor of a classic head of ``count`` classes with the rows of some, of every anchor; None gives 0."""
    per_anchor = value.reshape(-1, 5 + count, *value.shape[1:]) if len(value) % (5 + count) == 0 else None
    if per_anchor is None:
        return value  # of other classes: it fits nothing, which is said then
    unknown = torch.zeros_like(per_anchor[:, :1])
    parts = [unknown if number is None else per_anchor[:, 5 + number : 6 + number] for number in classes]
    return torch.cat([per_anchor[:, :5], *parts], dim=1).flatten(0, 1)
