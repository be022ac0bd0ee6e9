"""Depthwise convolutions whose gradients in bf16 do not fall to general kernels on a CPU.

oneDNN, which runs PyTorch's convolutions, has fast code in bf16 for a depthwise forward pass, for
the gradient of the input at stride 1, and for the gradient of 3×3 kernels. The rest takes ten
times as long and more, so here

- kernels wider than 3 have their gradient put together from that of 3×3 windows, each of which is
  the gradient of a 3×3 kernel over a shifted input;
- at other strides the gradient of the input is computed in fp32.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .precision import without_autocast

WINDOW = 3  # the kernel whose gradient is fast


def depthwise_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> Tensor:
    """Convolve each channel with its own kernel; differentiable once where gradients are in bf16.

    Under autocast to bf16 on the CPU, with gradients asked for, the backward pass is the one that
    this module is about; anything else is ``torch.nn.functional.conv2d``.

    Args:
        input: (B, C, H, W).
        weight: (C, 1, k, k).
        bias: (C,) or None.
        stride, padding: rows, columns.

    Returns:
        (B, C, H', W').
    """
    if not _in_bf16(input, weight):
        return F.conv2d(input, weight, bias, stride, padding, 1, input.size(1))
    low = [value if value is None else value.to(torch.bfloat16) for value in (input, weight, bias)]
    output: Tensor = _Depthwise.apply(*low, stride, padding)
    return output


class DepthwiseConv2d(nn.Conv2d):
    """``nn.Conv2d`` that takes :func:`depthwise_conv2d`."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return depthwise_conv2d(input, weight, bias, self.stride, self.padding)  # type: ignore[arg-type]


def is_depthwise(module: Any) -> bool:
    """Whether a convolution has one square kernel of 3×3 or more for each channel."""
    return (
        isinstance(module, nn.Conv2d)
        and module.groups == module.in_channels == module.out_channels > 1
        and module.kernel_size[0] == module.kernel_size[1] >= WINDOW
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def _in_bf16(input: Tensor, weight: Tensor) -> bool:
    return (
        torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and input.device.type == weight.device.type == "cpu"
        and input.dim() == 4
        and torch.is_grad_enabled()
        and (input.requires_grad or weight.requires_grad)
    )


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(input, weight, bias, stride, padding, 1, input.size(1))

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        wants_input, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        layout = torch.channels_last if _is_channels_last(input) else torch.contiguous_format
        by_input = by_weight = by_bias = None
        with without_autocast(grad):
            grad = grad.contiguous(memory_format=layout)
            if wants_input:
                by_input = _by_input(grad, input, weight, ctx.stride, ctx.padding)
            if wants_weight:
                by_weight = _by_weight(grad, input, weight, ctx.stride, ctx.padding, layout)
            if wants_bias:
                by_bias = grad.sum((0, 2, 3))
        return by_input, by_weight, by_bias, None, None


def _by_input(grad: Tensor, input: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
    if stride == (1, 1):
        return _gradient(grad, input, weight, stride, padding, of_input=True)
    found = _gradient(grad.float(), input.float(), weight.float(), stride, padding, of_input=True)
    return found.to(input.dtype)


def _by_weight(
    grad: Tensor, input: Tensor, weight: Tensor, stride: Any, padding: Any, layout: Any
) -> Tensor:
    kernel = weight.size(-1)
    if kernel == WINDOW:
        return _gradient(grad, input, weight, stride, padding, of_input=False)
    padded = F.pad(input, (padding[1], padding[1], padding[0], padding[0]))
    # What of the padded input a 3×3 kernel sees from its first place to its last.
    rows, columns = (
        (size - 1) * step + WINDOW for size, step in zip(grad.shape[2:], stride, strict=True)
    )
    window = weight.new_empty(weight.size(0), 1, WINDOW, WINDOW)
    found = torch.empty_like(weight)
    for top in _offsets(kernel):
        for left in _offsets(kernel):
            seen = padded[:, :, top : top + rows, left : left + columns]
            found[:, :, top : top + WINDOW, left : left + WINDOW] = _gradient(
                grad, seen.contiguous(memory_format=layout), window, stride, (0, 0), of_input=False
            )
    return found


def _offsets(kernel: int) -> list[int]:
    """Return where windows begin that cover a kernel; the last may overlap the one before it."""
    return [*range(0, kernel - WINDOW, WINDOW), kernel - WINDOW]


def _gradient(
    grad: Tensor, input: Tensor, weight: Tensor, stride: Any, padding: Any, *, of_input: bool
) -> Tensor:
    found: Tensor = torch.ops.aten.convolution_backward(
        grad, input, weight, None, stride, padding, [1, 1], False, [0, 0], input.size(1),
        [of_input, not of_input, False],
    )[0 if of_input else 1]  # fmt: skip
    return found


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last)
