"""Linear layers in fp32 by oneDNN where MKL has no AVX-512 code for the CPU.

PyTorch computes matrix products in fp32 by MKL, which on AMD's CPUs runs AVX2 code however wide
the CPU is; oneDNN, which runs the convolutions, asks what the CPU has. ``benchmarks/training.py``
and ``prediction.py`` have both.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .cpu import is_amd_with_avx512

FEWEST_PRODUCTS = 1 << 26  # below, calling costs as much as is saved


def onednn_linear_pays() -> bool:
    """Whether this is an AMD CPU with AVX-512 and PyTorch has oneDNN's linear layer."""
    return (
        hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and torch.backends.mkldnn.is_available()
        and is_amd_with_avx512()
    )


def onednn_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``torch.nn.functional.linear`` by oneDNN; differentiable once.

    Args:
        input: (N, in) float32 on the CPU.
        weight: (out, in) float32.
        bias: (out,) float32 or None.

    Returns:
        (N, out).
    """
    output: Tensor = _Linear.apply(input, weight, bias)
    return output


class OneDnnLinear(nn.Linear):
    """``nn.Linear`` that takes :func:`onednn_linear` for products that are large enough."""

    def forward(self, input: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias
        if _fits(input, weight):
            return onednn_linear(input, weight, bias)
        return F.linear(input, weight, bias)


def use_onednn_linear(model: nn.Module) -> int:
    """Turn the linear layers of a model into :class:`OneDnnLinear`, in place.

    Parameters, names and state dict stay as they are.

    Returns:
        How many are turned.
    """
    found = [module for module in model.modules() if type(module) is nn.Linear]
    for module in found:
        module.__class__ = OneDnnLinear
    return len(found)


def _fits(input: Tensor, weight: Tensor) -> bool:
    return (
        input.dim() == 2
        and input.dtype == weight.dtype == torch.float32
        and input.device.type == weight.device.type == "cpu"
        and input.size(0) * weight.numel() >= FEWEST_PRODUCTS
        and not torch.is_autocast_enabled("cpu")
        and not torch.jit.is_tracing()
    )


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        return product(input, weight, bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        input, weight = ctx.saved_tensors
        by_input = by_weight = by_bias = None
        if ctx.needs_input_grad[0]:
            by_input = product(grad, weight.t())
        if ctx.needs_input_grad[1]:
            by_weight = product(grad.t(), input.t())
        if ctx.needs_input_grad[2]:
            by_bias = grad.sum(0)
        return by_input, by_weight, by_bias


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return left (N, K) times the transpose of right (M, K).

    oneDNN has fast code for matrices that lie row by row or column by column. A part of a wider one
    is copied first: otherwise it would take a thousand times as long.
    """
    left, right = _whole(left), _whole(right)
    found: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
    return found


def _whole(matrix: Tensor) -> Tensor:
    return matrix if matrix.is_contiguous() or matrix.t().is_contiguous() else matrix.contiguous()
