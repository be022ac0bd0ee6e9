"""Several processes on a machine without a GPU, which mmengine does not start."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_distributed


def join_cpu_processes(launcher: str) -> None:
    """Join torchrun's processes through gloo where there is no CUDA.

    mmengine asks for a CUDA device before it joins them, and fails.
    """
    if launcher == "pytorch" and not torch.cuda.is_available() and not is_distributed():
        torch.distributed.init_process_group("gloo")


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
