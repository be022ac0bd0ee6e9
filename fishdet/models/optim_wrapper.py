"""bf16 training on a CPU, which mmengine's ``AmpOptimWrapper`` refuses to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmdet.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from torch import nn

from fishdet.precision import autocast


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """``OptimWrapper`` whose forward pass runs under CPU autocast in bf16.

    bf16 has fp32's exponent, so no loss scaling is needed; weights, gradients and the
    optimizer's state stay in fp32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[Any]:
        """Enter gradient accumulation's context and autocast."""
        with super().optim_context(model), autocast("cpu", torch.bfloat16):
            yield
