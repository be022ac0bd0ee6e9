"""Which number types the operators compute in."""

from __future__ import annotations

import torch
from torch import Tensor


def working_dtype(*tensors: Tensor) -> torch.dtype:
    """float64 where a tensor has it, else float32.

    Half types are for storage: box coordinates in bf16 lie up to 4 pixels off at 1,000, and
    torchvision's kernels refuse bf16 as well as operands of different types.
    """
    double = any(tensor.dtype == torch.float64 for tensor in tensors)
    return torch.float64 if double else torch.float32


def widened(*tensors: Tensor) -> list[Tensor]:
    """New detached tensors of the same values, in the one :func:`working_dtype` of them all."""
    dtype = working_dtype(*tensors)
    return [tensor.detach().to(dtype) for tensor in tensors]


def without_autocast(tensor: Tensor) -> torch.autocast:
    """A context in which operators on the tensor's device keep the types they are given."""
    return torch.autocast(tensor.device.type, enabled=False)
