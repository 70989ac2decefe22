"""A detector on disk: detector.safetensors beside detector.json, which rebuilds it."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from text2pixels import tensor_files
from text2pixels.detection.pickled import read_tensors
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError

LAYOUT = tensor_files.Layout("detector", "detector.safetensors", "detector.json", "dvc repro pretrain")
SCALES = ("n", "s", "m", "l", "x")  # of YOLOv5u
_LEAST_SHARE = 0.7  # of the network's tensors that foreign weights must fit


def save(folder: Path, detector: Detector, metadata: dict[str, Any]) -> None:
    """Write the detector into a folder, made if it is not there; `tensor_files` says how its two files hold together.

    Args:
        folder: other files in it stay.
        detector: on any device.
        metadata: what JSON can hold: what made the detector.
    """
    facts = {"architecture": "YOLOv5u", "scale": detector.scale, "categories": list(detector.categories)}
    tensor_files.write(folder, LAYOUT, detector.network.state_dict(), facts | metadata)


def read(folder: Path) -> Detector:
    """Return the detector of a folder.

    Raises:
        InputError: missing, cut short, of another detector, or of another version.
    """
    facts = tensor_files.describe(folder, LAYOUT)
    categories, scale = facts.get("categories"), facts.get("scale")
    if not isinstance(categories, list) or not categories or scale not in SCALES:
        raise InputError(f"{folder / LAYOUT.description}: expected categories, and a scale of {', '.join(SCALES)}")
    tensors = tensor_files.read_tensors(folder, LAYOUT, facts)
    detector = Detector(categories, scale)
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

    A classic anchor-based YOLOv5 gives its backbone and neck; a u-variant all but its class outputs.

    Raises:
        InputError: unreadable, or of another architecture or scale.
    """
    foreign = read_foreign(path)
    own = detector.network.state_dict()
    fitting = {name: value for name, value in foreign.items() if name in own and own[name].shape == value.shape}
    if len(fitting) < _LEAST_SHARE * len(own):
        raise InputError(
            f"{path} fits {len(fitting)} of the {len(own)} tensors of YOLOv5u-{detector.scale}: "
            f"expected weights of yolov5{detector.scale} or yolov5{detector.scale}u"
        )
    detector.network.load_state_dict(own | fitting)
    return len(fitting)
