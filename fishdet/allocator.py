"""Let the C library keep freed memory for the next iteration."""

from __future__ import annotations

import ctypes
import sys

# The parameter numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Tell glibc not to give freed memory back to the system; return whether that was possible.

    On a CPU each iteration frees and takes the same hundreds of megabytes. By default glibc
    returns them to the kernel, which then clears every page again when it is touched:
    ``benchmarks/allocator.py`` prints the ratio (0.94 for a ResNet-50 step at 192 px in bf16 on
    two cores of an AMD EPYC, torch 2.14.1, 15 rounds, commit 4152393). The process keeps its peak
    memory. For tools that own their process; a library's caller decides by himself.

    Source: mallopt(3), https://man7.org/linux/man-pages/man3/mallopt.3.html.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    largest = 2**31 - 1
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, largest), (_M_TOP_PAD, 256 * 2**20))
    return all([mallopt(name, value) == 1 for name, value in settings])
