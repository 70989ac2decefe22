"""Which engine runs the trained network: ONNX Runtime or torch, chosen by what there is."""

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from text2pixels.errors import InputError
from text2pixels.extras import install, require
from text2pixels.methods.engines.engine import Engine
from text2pixels.network.description import ONNX, Description


def start(folder: Path, described: Description, device: str, name: str | None) -> Engine:
    """Return an engine for the network in a folder.

    Args:
        folder: of the model.
        described: its network.json.
        device: "auto", "cpu", "cuda", "cuda:1" …
        name: "onnx" or "torch"; None: ONNX Runtime, which starts in a moment, unless a GPU is asked for or there
            and torch can use it, or the folder has no ONNX file.

    Raises:
        InputError: no such engine, none for this folder, or no such device here.
    """
    if name not in (None, "onnx", "torch"):
        raise InputError(f"unknown engine '{name}'; known: onnx, torch")
    if name == "onnx" or (name is None and described.has_onnx and not _better_by_torch(device)):
        if not described.has_onnx:
            raise InputError(f"{folder} has no {ONNX}: {_export(folder)}, or use the engine torch")
        from text2pixels.methods.engines.onnx_engine import OnnxEngine

        return OnnxEngine(folder, described, device)
    if name is None and not _installed("torch"):
        raise InputError(
            f"{folder} has no {ONNX}, and torch is not installed: where it is, {_export(folder)}; or {install('train')}"
        )
    require("torch", "train")
    from text2pixels.methods.engines.torch_engine import TorchEngine

    return TorchEngine(folder, device)


def _export(folder: Path) -> str:
    return f"write a folder that has one with: t2p export NEW --model {folder}"


def _better_by_torch(device: str) -> bool:
    """Say whether a device is one that torch makes more of than ONNX Runtime."""
    if device == "cpu" or (device == "auto" and not _has_cuda_driver()) or not _installed("torch"):
        return False
    import torch

    return device != "auto" or torch.cuda.is_available()


def _installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return find_spec(module) is not None


@cache
def _has_cuda_driver() -> bool:
    """Say whether NVIDIA's driver is here: to ask torch takes its import, which is seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
