"""Where tensors live, and what makes a CPU fast enough for them."""

import ctypes
import os
import platform
from functools import cache, lru_cache

import torch

from text2pixels.errors import InputError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h of glibc


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


@cache
def keep_freed_memory() -> None:
    """Make the process reuse the memory of large arrays instead of returning it.

    By default glibc gives every large block back to the system and asks for it again at the next
    layer, so a quarter to a half of a network's time on the CPU goes into page faults. The price:
    the process holds its peak of memory until it ends, or until `return_memory_of_other_sizes`.
    Other C libraries are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 64 * 2**20)


@lru_cache(maxsize=1)  # nothing is done as long as images keep the size of the one before
def return_memory_of_other_sizes(height: int, width: int) -> None:
    """Give freed memory back to the system when images of another size come.

    Blocks of one size fit into few holes that another size left: what `keep_freed_memory` holds would grow with
    every image.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
