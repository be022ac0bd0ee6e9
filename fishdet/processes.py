"""Several processes on a machine without a GPU, which mmengine does not start."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_distributed

from fishdet.errors import FishdetError

TIMEOUT = 300.0


def join_cpu_processes(launcher: str, timeout: float = TIMEOUT) -> None:
    """Join torchrun's processes through gloo where there is no CUDA.

    mmengine asks for a CUDA device before it joins them, and fails.

    Args:
        launcher: as mmengine's.
        timeout: seconds after which one gives up waiting for another.
    """
    if launcher == "pytorch" and not torch.cuda.is_available() and not is_distributed():
        torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=timeout))


def wait_seconds(cfg: Config) -> float:
    """Return the seconds after which a process gives up waiting for another."""
    env = cfg.get("env_cfg") or {}
    return float((env.get("dist_cfg") or {}).get("timeout") or TIMEOUT)


def leave_processes() -> None:
    """Part from the other processes of a training that has ended, all at one moment.

    gloo aborts a process that still talks when the first one, which keeps the store, has gone.
    """
    if is_distributed():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def cpu_wrapper(cfg: Config) -> dict[str, Any] | None:
    """Return the model wrapper of processes without a GPU, or None where there is one.

    mmengine's own names a device, which a model on the CPU must not have.
    """
    if torch.cuda.is_available():
        return None
    return {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "find_unused_parameters": cfg.get("find_unused_parameters", False),
        "device_ids": None,
    }


def require_sync_bn_device(cfg: Config) -> None:
    """Raise FishdetError for ``sync_bn`` without a GPU, of which torch speaks in its first step."""
    if cfg.get("sync_bn") is not None and not torch.cuda.is_available():
        raise FishdetError(
            f"sync_bn={cfg.sync_bn!r}: torch has BatchNorm over several processes for GPUs alone; "
            "leave it out, or use GroupNorm (docs/scale.md)"
        )
