"""Tensors of a pickled torch model, read without running its pickle.

YOLO weights are published as a pickle of the whole model: loading one the usual way imports and
calls whatever the file names. Here every global that the file names, but for the few that rebuild
a tensor, becomes an inert placeholder; the tensors are then collected from the placeholders'
state by walking ``_modules``, ``_parameters`` and ``_buffers``.
"""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import torch

from text2pixels.errors import InputError

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
}


class _Placeholder:
    """Stands for an object of any class; keeps the state that the pickle gives it."""

    def __new__(cls, *_args: object, **_keywords: object) -> "_Placeholder":
        return object.__new__(cls)

    def __init__(self, *_args: object, **_keywords: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def __call__(self, *_args: object, **_keywords: object) -> None:
        return None


def _tensor(storage: object, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_rest: object) -> object:
    return torch.as_strided(storage, size, stride, offset) if isinstance(storage, torch.Tensor) else _Placeholder()


def _parameter(data: object, *_rest: object) -> object:
    return data


class _Reader(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream, encoding="utf-8")
        self._archive, self._folder = archive, folder
        self._storages: dict[str, torch.Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            ("collections", "OrderedDict"): OrderedDict,
        }
        return known.get((module, name), _Placeholder)

    def persistent_load(self, pid: Any) -> object:  # noqa: ANN401
        _, dtype, key, _, _ = pid
        if not isinstance(dtype, torch.dtype):
            return _Placeholder()
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}/data/{key}"))
            self._storages[key] = torch.frombuffer(data, dtype=dtype)
        return self._storages[key]


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the state dict, in float32, of the model in a ``.pt`` file.

    The file may hold a module, a state dict, or a mapping with either under "ema" or "model".

    Raises:
        InputError: missing, damaged, or without tensors.
    """
    if not path.is_file():
        raise InputError(f"no weights at {path}: set detect.weights to a YOLOv5 .pt file, or to null")
    try:
        with zipfile.ZipFile(path) as archive:
            inner = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            with archive.open(inner) as stream:
                root = _Reader(stream, archive, inner.rpartition("/")[0]).load()
    except (
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        StopIteration,
        EOFError,
        KeyError,
        IndexError,
        AttributeError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:
        raise InputError(f"{path} is not a torch file of YOLOv5 weights, or is damaged: {error}") from error
    if isinstance(root, dict):
        root = next((root[key] for key in ("ema", "model") if root.get(key) is not None), root)
    tensors = {name: value.float() for name, value in _walk(root, "")}
    if not tensors:
        raise InputError(f"{path} holds no tensors")
    return tensors


def _walk(node: object, prefix: str) -> list[tuple[str, torch.Tensor]]:
    """Return (dotted name, tensor) of a placeholder module, depth first."""
    if isinstance(node, torch.Tensor):
        return [(prefix, node)]
    if isinstance(node, dict):
        children = node
    elif isinstance(node, _Placeholder):
        parts = (node.state.get(key) for key in ("_parameters", "_buffers", "_modules"))
        children = {name: child for part in parts if isinstance(part, dict) for name, child in part.items()}
    else:
        return []
    return [
        found for name, child in children.items() for found in _walk(child, f"{prefix}.{name}" if prefix else str(name))
    ]
