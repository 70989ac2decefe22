"""Where tensors live, and what makes a CPU fast enough for them."""

import ctypes
import os
import platform
from functools import cache

import torch

from text2pixels.errors import InputError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc
_LARGEST_KEPT = 32 * 2**20  # bytes, the most that glibc takes for the last of these


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
    """Make the process reuse the memory of arrays instead of returning it, but for the largest.

    By default glibc gives every large block back to the system and asks for it again at the next
    layer, so a quarter to a half of a network's time on the CPU goes into page faults. The price:
    the process holds most of its peak of memory until it ends. Blocks beyond 32 MiB still go back: a layer that
    fills one computes long enough, and of images of many sizes such blocks fit into no hole that another left,
    so that the process would grow with every pair. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 64 * 2**20)
