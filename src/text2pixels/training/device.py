"""Where tensors live."""

import os

import torch

from text2pixels.errors import InputError


def pick_device(name: str) -> torch.device:
    """Return the device of that name; "auto" is CUDA where there is one, otherwise the CPU.

    Under torchrun, "auto" and "cuda" are the process's own GPU.

    Raises:
        InputError: no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built with CUDA
        reason = str(error).splitlines()[0]
        raise InputError(f"device '{name}' cannot be used here ({reason}); set device to auto or cpu") from error
