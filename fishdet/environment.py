"""What a figure depends on besides the code: commit, versions, hardware, seed, command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import tvops
from fishdet.precision import cpu_has_bf16

PACKAGES = (
    "torch",
    "torchvision",
    "onedl-mmcv",
    "onedl-mmengine",
    "onedl-mmdetection",
    "numpy",
    "opencv-python",
    "timm",
    "supervision",
)


def environment(*, seed: int | None, precision: str | None) -> dict[str, Any]:
    """Return the record of this process as plain data, ready for JSON."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": sys.argv,
        "commit": git_commit(),
        "seed": seed,
        "precision": precision,
        "python": platform.python_version(),
        "versions": {name: package_version(name) for name in PACKAGES},
        "operators": tvops.active(),
        "hardware": hardware(),
    }


def package_version(name: str) -> str | None:
    """Return an installed distribution's version, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def git_commit() -> str | None:
    """Return the commit of the source tree, with ``-dirty`` for uncommitted changes, or None."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def hardware() -> dict[str, Any]:
    """Return processor, instruction set, threads, memory in GiB, and GPUs."""
    return {
        "cpu": cpu_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpu_bf16": cpu_has_bf16(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "memory_gib": memory_gib(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float | None:
    """Return the physical memory in GiB, or None where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
