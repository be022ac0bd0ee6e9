"""How many cores a process has, where PyTorch may be missing (``tvops.cpu`` needs it)."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # neither macOS nor Windows has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1
