"""Which floating-point format a device computes in, and the context that switches it on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from fishdet.errors import FishdetError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def cpu_has_bf16() -> bool:
    """Return whether the CPU multiplies bf16 natively (AVX512_BF16 or AMX).

    Without these instructions PyTorch computes bf16 all the same, in many times the time of fp32
    (``benchmarks/precision_seeds.py --steps``), so the CPU is asked rather than the library.
    """
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in probes)


def cpu_has_vnni() -> bool:
    """Return whether the CPU multiplies INT8 in AVX-512 (AVX512_VNNI)."""
    return bool(getattr(torch.cpu, "_is_vnni_supported", lambda: False)())


def resolve_precision(wanted: str, device: str) -> torch.dtype:
    """Return the dtype to compute in.

    Args:
        wanted: ``'auto'``, ``'fp32'``, ``'bf16'`` or ``'fp16'``. ``'auto'`` takes bf16 on a CPU
            that has the instructions and fp32 everywhere else: on CUDA mixed precision is
            asked for by ``--amp``, as in MMDetection.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:0'`` …

    Raises:
        FishdetError: unknown name, or a format that the device cannot compute in.
    """
    kind = device.split(":")[0]
    if wanted == "auto":
        return torch.bfloat16 if kind == "cpu" and cpu_has_bf16() else torch.float32
    if wanted not in DTYPES:
        raise FishdetError(
            f"precision {wanted!r} is unknown; choose one of auto, {', '.join(DTYPES)}"
        )
    if wanted == "bf16" and kind == "cuda" and not torch.cuda.is_bf16_supported():
        raise FishdetError("precision bf16: this GPU has no bf16; use --precision fp16 or fp32")
    if wanted == "fp16" and kind == "cpu":
        raise FishdetError("precision fp16 does not train on a CPU; use bf16, fp32 or auto")
    return DTYPES[wanted]


def precision_name(dtype: torch.dtype) -> str:
    """Return ``'fp32'``, ``'bf16'`` or ``'fp16'`` for a dtype."""
    return next(name for name, known in DTYPES.items() if known == dtype)


def describe_choice(wanted: str, dtype: torch.dtype, device: str) -> str:
    """Return the one log line that says which precision runs and why."""
    name = precision_name(dtype)
    if wanted != "auto":
        slow = dtype == torch.bfloat16 and device.split(":")[0] == "cpu" and not cpu_has_bf16()
        price = " This CPU has no bf16 instructions: fp32 takes a fraction of the time."
        return f"Precision {name} on {device}, as asked.{price if slow else ''}"
    if device.split(":")[0] != "cpu":
        return f"Precision {name} on {device} (--amp or --precision bf16 for mixed precision)."
    if cpu_has_bf16():
        return f"Precision {name}: this CPU has bf16 instructions (--precision fp32 for full)."
    return f"Precision {name}: this CPU has no bf16 instructions."


def autocast(device: str, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return a context in which the network computes in ``dtype``; fp32 is no context at all."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device_type=device.split(":")[0], dtype=dtype)
