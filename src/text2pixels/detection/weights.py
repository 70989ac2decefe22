"""A detector on disk: detector.safetensors beside detector.json, which rebuilds it."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from text2pixels.detection.pickled import read_tensors
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError

_LEAST_SHARE = 0.7  # of the network's tensors that foreign weights must fit


def save(folder: Path, detector: Detector, metadata: dict[str, Any]) -> None:
    """Write the detector into a folder; the caller sees to it that the folder appears whole."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in detector.network.state_dict().items()}
    save_file(tensors, folder / "detector.safetensors")
    facts = {"architecture": "YOLOv5u", "scale": detector.scale, "categories": list(detector.categories)}
    (folder / "detector.json").write_text(json.dumps(facts | metadata, indent=1) + "\n")


def read(folder: Path) -> Detector:
    """Return the detector of a folder.

    Raises:
        InputError: missing or damaged.
    """
    try:
        facts = json.loads((folder / "detector.json").read_text())
        detector = Detector(facts["categories"], facts["scale"])
        detector.network.load_state_dict(load_file(folder / "detector.safetensors"))
    except OSError as error:
        raise InputError(f"no detector in {folder}: write it with: t2p pretrain") from error
    except (SafetensorError, json.JSONDecodeError, KeyError, RuntimeError) as error:
        raise InputError(f"the detector in {folder} is damaged; write it again with: t2p pretrain ({error})") from error
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
