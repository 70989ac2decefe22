"""The C library's memory allocator, told to keep what a network frees."""

import ctypes
import platform
from functools import cache

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h of glibc


@cache
def keep_freed_memory() -> None:
    """Make the process reuse the memory of large arrays instead of returning it.

    By default glibc gives every large block back to the system and asks for it again at the next
    layer, so a quarter to a half of a network's time on the CPU goes into page faults. The price:
    the process holds its peak of memory until it ends. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 64 * 2**20)
