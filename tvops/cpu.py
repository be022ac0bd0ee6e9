"""What the CPU is, as far as the choice of an algorithm asks."""

from __future__ import annotations

import functools
import os
import platform

import torch


def usable_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def usable_threads() -> int:
    """Return how many threads PyTorch will compute with in this process unless told otherwise."""
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(limit) if limit.isdigit() and int(limit) else usable_cores()


def is_amd_with_avx512() -> bool:
    """Whether this is a CPU of AMD's with AVX-512."""
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and _vendor() == "AuthenticAMD"


@functools.cache
def _vendor() -> str:
    """Return the CPU's vendor as it calls itself; empty where it cannot be asked for."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "vendor_id":
                    return value.strip()
    except OSError:  # not Linux
        pass
    return "AuthenticAMD" if "AuthenticAMD" in platform.processor() else ""
