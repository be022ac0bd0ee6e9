"""Convolutions whose output's gradient is zero at most places, as that of an RPN is.

An RPN learns from 256 anchors a picture, so that behind the loss nearly all of its 3×3
convolution's output has no gradient. The gradients of input and weight are sums over the other
places alone: a matrix product over thousands of times fewer rows than the convolution's backward
pass, and the same numbers but for the order of sums.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .precision import without_autocast
from .winograd import convolve, fits_winograd
from .winograd_tiles import transform_kernels

MOST = 1 / 8  # of all places with a gradient; above, the dense backward pass is as fast


def sparse_gradient_conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None, fewest_tiles: float = math.inf
) -> Tensor:
    """Convolve with stride 1 and "same" padding; differentiable once, fast for sparse gradients.

    Under autocast to bf16 on the CPU operands are cast as autocast does.

    Args:
        input: (B, C, H, W) on the CPU.
        weight: (K, C, k, k), k odd.
        bias: (K,) or None.
        fewest_tiles: from which size on the forward pass is Winograd's (:mod:`tvops.winograd`).

    Returns:
        (B, K, H, W).
    """
    tensors = [input, weight, bias]
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        tensors = [value if value is None else value.to(dtype) for value in tensors]
    output: Tensor = _Convolution.apply(*tensors, fewest_tiles)
    return output


class SparseGradientConv2d(nn.Conv2d):
    """``nn.Conv2d`` that takes :func:`sparse_gradient_conv2d` where gradients are asked for."""

    fewest_tiles: float = math.inf

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type == "cpu" and torch.is_grad_enabled() and input.dim() == 4:
            return sparse_gradient_conv2d(input, weight, bias, self.fewest_tiles)
        return super()._conv_forward(input, weight, bias)


def takes_sparse_gradients(module: Any) -> bool:
    """Whether a module is a convolution that :class:`SparseGradientConv2d` can stand for."""
    return (
        type(module) is nn.Conv2d
        and module.stride == module.dilation == (1, 1)
        and module.groups == 1
        and not isinstance(module.padding, str)
        and module.kernel_size[0] == module.kernel_size[1] == 2 * module.padding[0] + 1
        and module.padding[0] == module.padding[1]
        and module.padding_mode == "zeros"
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, fewest_tiles: float
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.bias_sizes = None if bias is None else list(bias.shape)
        if fits_winograd(input, weight, fewest_tiles):
            return convolve(input, transform_kernels(weight), bias)
        return F.conv2d(input, weight, bias, padding=weight.size(-1) // 2)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        with without_autocast(grad):
            places = _places(grad)
            if len(places) <= MOST * grad[:, 0].numel():
                return *_sparse(grad, input, weight, places, ctx.needs_input_grad), None
            half = weight.size(-1) // 2
            dense = torch.ops.aten.convolution_backward(
                grad, input, weight, ctx.bias_sizes, [1, 1], [half, half], [1, 1], False,
                [0, 0], 1, ctx.needs_input_grad[:3],
            )  # fmt: skip
            return *dense, None


def _places(grad: Tensor) -> Tensor:
    """Return picture, row and column (P, 3) wherever a channel of (B, C, H, W) is not zero.

    Channels that lie side by side are read eight bytes at a time; so -0 counts as well, which adds
    nothing to any sum.
    """
    rows = grad.permute(0, 2, 3, 1)
    begins, wide = (count * rows.element_size() for count in (rows.storage_offset(), rows.size(3)))
    if rows.is_contiguous() and begins % 8 == wide % 8 == 0:
        rows = rows.reshape(-1, rows.size(3)).view(torch.int64).view(*rows.shape[:3], wide // 8)
    return rows.any(3).nonzero()


def _sparse(
    grad: Tensor, input: Tensor, weight: Tensor, places: Tensor, wanted: Any
) -> tuple[Tensor | None, ...]:
    """Sum over ``places`` (P, 3), picture, row and column, of the output's gradient."""
    picture, row, column = places.unbind(1)
    own = grad.permute(0, 2, 3, 1)[picture, row, column]  # (P, K)
    kernel, channels = weight.size(-1), weight.size(1)
    seen, inside = _neighbours(places, kernel, input.shape)  # (P, k * k)
    by_input = by_weight = by_bias = None
    if wanted[0]:
        parts = own @ weight.permute(0, 2, 3, 1).flatten(1)  # (P, k * k * C)
        flat = parts.new_zeros(input[:, 0].numel(), channels)
        flat.index_add_(0, seen[inside], parts.view(*seen.shape, channels)[inside])
        size = (input.size(0), *input.shape[2:], channels)
        by_input = flat.view(size).permute(0, 3, 1, 2)
    if wanted[1]:
        flat = input.permute(0, 2, 3, 1).reshape(-1, channels)
        read = flat[seen.clamp(0, len(flat) - 1)] * inside.unsqueeze(-1)  # (P, k * k, C)
        by_weight = (own.t() @ read.flatten(1)).view(-1, kernel, kernel, channels)
        by_weight = by_weight.permute(0, 3, 1, 2)
    if wanted[2]:
        by_bias = own.sum(0)
    return by_input, by_weight, by_bias


def _neighbours(places: Tensor, kernel: int, shape: Any) -> tuple[Tensor, Tensor]:
    """Return what each place reads: index into all pixels and whether that is one, (P, k * k)."""
    picture, row, column = (part[:, None, None] for part in places.unbind(1))
    offset = torch.arange(kernel) - kernel // 2
    rows, columns = row + offset[:, None], column + offset
    inside = (rows >= 0) & (rows < shape[2]) & (columns >= 0) & (columns < shape[3])
    index = (picture * shape[2] + rows) * shape[3] + columns
    return index.flatten(1), inside.flatten(1)
