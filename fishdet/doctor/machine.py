"""The machine: Python, processor, disk, folders."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from .check import FAIL, OK, WARN, Check

LEAST_PYTHON = (3, 10)
LEAST_FREE_GIB = 2.0
# Label → flags of Linux, any of which will do.
CAPABILITIES = {
    "AVX2": ("avx2",),
    "AVX512": ("avx512f",),
    "VNNI": ("avx512_vnni", "avx_vnni"),
    "BF16": ("avx512_bf16", "amx_bf16", "bf16"),
    "AMX": ("amx_tile",),
}


def check_machine(root: Path) -> list[Check]:
    """Return the checks that need nothing installed."""
    return [
        check_python(sys.version_info[:2]),
        check_cpu(Path("/proc/cpuinfo")),
        check_disk(root),
        check_writable(root / "work_dirs"),
        check_writable(root / "data"),
        check_weights_folder(os.environ.get("FISHDET_WEIGHTS")),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """Judge the interpreter's version (major, minor)."""
    text = f"{platform.python_version()} ({sys.executable})"
    if version < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        remedy = f"install Python {least} or newer, then: make venv PYTHON=python{least}"
        return Check("python", FAIL, f"{'.'.join(map(str, version))} is older than {least}", remedy)
    return Check("python", OK, text)


def check_cpu(cpuinfo: Path) -> Check:
    """Name the processor and the instructions that decide how fast it computes."""
    fields = read_cpuinfo(cpuinfo)
    name = fields.get("model name") or platform.processor() or platform.machine()
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    has = [label for label, any_of in CAPABILITIES.items() if flags.intersection(any_of)]
    told = ", ".join(has) if has else "none of " + ", ".join(CAPABILITIES)
    if not flags:
        told = "instruction set unknown"
    precision = "" if "BF16" in has or not flags else "; no bf16 instructions, so fp32 is used"
    return Check("cpu", OK, f"{name}, {os.cpu_count()} cores: {told}{precision}")


def read_cpuinfo(path: Path) -> dict[str, str]:
    """Return the fields of the first processor in a file like /proc/cpuinfo; {} without one."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def check_disk(root: Path) -> Check:
    """Judge the free space where runs are written."""
    free = shutil.disk_usage(root).free / 2**30
    if free < LEAST_FREE_GIB:
        remedy = f"free {LEAST_FREE_GIB:.0f} GiB, or write elsewhere with --work-dir"
        return Check("disk", WARN, f"{free:.1f} GiB free: checkpoints may not fit", remedy)
    return Check("disk", OK, f"{free:.0f} GiB free")


def check_writable(folder: Path) -> Check:
    """Judge whether a folder, or the nearest one above it that exists, can be written."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        remedy = f"make {existing} writable, or name another folder (--work-dir, --data)"
        return Check(folder.name, FAIL, f"{folder} cannot be written: {error.strerror}", remedy)
    return Check(folder.name, OK, f"{folder} can be written")


def check_weights_folder(value: str | None) -> Check:
    """Judge FISHDET_WEIGHTS, the folder of weights for machines without internet."""
    if not value:
        return Check("weights", OK, "FISHDET_WEIGHTS is not set: weights come from the network")
    if not Path(value).expanduser().is_dir():
        remedy = "unset it, or set it to a folder with .pth or .safetensors files"
        return Check("weights", WARN, f"FISHDET_WEIGHTS={value} is no folder", remedy)
    return Check("weights", OK, f"FISHDET_WEIGHTS={value}")
