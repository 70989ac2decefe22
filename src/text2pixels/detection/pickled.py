"""Tensors of a pickled YOLOv5 model, without the code that the pickle names.

YOLOv5's weights are published as a pickle of the whole model, whose classes live in its repository.
`torch.load(weights_only=True)` calls only what is declared safe, so each class that such a model
consists of is declared as `_StandIn`, which holds the attributes and does nothing. Anything else that
a file names, such as `os.system`, is refused.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from text2pixels.errors import InputError

# What YOLOv5's models consist of; "models" and "utils" are the names of its repository's own packages.
_PACKAGES = ("models", "utils", "ultralytics", "torch", "numpy", "pathlib")


class _StandIn:
    """Takes the place of an object of any class; keeps the attributes that the pickle gives it."""

    def __init__(self, *_args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):  # an array's state is a tuple, and nobody asks for it
            self.__dict__.update(state)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the state dict, in float32, of the model in a ``.pt`` file.

    The file may hold a module, a state dict, or a mapping with either under "ema" or "model".

    Raises:
        InputError: missing, damaged, without tensors, or naming what is no part of a YOLOv5 model.
    """
    if not path.is_file():
        raise InputError(f"no weights at {path}: set detect.weights to a YOLOv5 .pt file, or to null")
    try:
        names = get_unsafe_globals_in_checkpoint(path)
        foreign = [name for name in names if name.partition(".")[0] not in _PACKAGES]
        if foreign:
            raise InputError(
                f"{path} would run {', '.join(foreign)}, which is no part of a YOLOv5 model: use the published file"
            )
        with safe_globals([(_StandIn, name) for name in names]):
            root = torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except (
        pickle.UnpicklingError,
        EOFError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} is not a torch file of YOLOv5 weights, or is damaged: {reason}") from error
    if isinstance(root, dict):
        root = next((root[key] for key in ("ema", "model") if root.get(key) is not None), root)
    tensors = {name: value.detach().float() for name, value in _walk(root, "")}
    if not tensors:
        raise InputError(f"{path} holds no tensors")
    return tensors


def _walk(node: object, prefix: str) -> list[tuple[str, torch.Tensor]]:
    """Return (dotted name, tensor) of a module or a state dict, depth first."""
    if isinstance(node, torch.Tensor):
        return [(prefix, node)]
    children: dict[Any, object] = {}
    if isinstance(node, dict):
        children = node
    elif isinstance(node, _StandIn):
        parts = (vars(node).get(key) for key in ("_parameters", "_buffers", "_modules"))
        children = {name: child for part in parts if isinstance(part, dict) for name, child in part.items()}
    return [
        found for name, child in children.items() for found in _walk(child, f"{prefix}.{name}" if prefix else str(name))
    ]
