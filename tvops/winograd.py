"""3×3 convolutions by Winograd's algorithm on CPUs without AVX-512.

F(6×6, 3×3) (Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308) makes 36 outputs of a channel
from 64 products in place of 324. oneDNN, which runs PyTorch's convolutions, has it for AVX-512 only
(https://github.com/uxlfoundation/oneDNN/issues/436 and 491, read 2026-11-28); NNPACK, which the
same wheels hold, has it for AVX2. PyTorch takes NNPACK for no convolution of batches below 16
pictures, so it is called here: in the forward pass and for the gradient of the input, which is the
convolution of the output's gradient with the kernel turned by 180°. The gradient of the weight is
PyTorch's own.
"""

from __future__ import annotations

import math
import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

TILE = 6  # outputs a side that one transform makes
FEWEST_TILES = 45  # a picture; below, transforming the kernels costs more than is saved
FEWEST_CHANNELS = 128


def winograd_pays() -> bool:
    """Whether this machine has NNPACK and no AVX-512, and ``OMP_NUM_THREADS`` leaves all cores to
    this process, as NNPACK takes all.

    How many threads PyTorch has at the moment does not count: that is looked at in each call.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return (
        hasattr(torch, "_nnpack_spatial_convolution")
        and torch.backends.nnpack.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
        and not (limit.isdigit() and int(limit) < usable_cores())
    )


def winograd_conv2d(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve with 3×3 kernels, stride 1 and padding 1; differentiable once.

    Args:
        input: (B, C, H, W) float32 on the CPU, of any memory format.
        weight: (K, C, 3, 3) float32.
        bias: (K,) float32.

    Returns:
        (B, K, H, W), contiguous; from ``conv2d`` it differs by about 1e-5 of the largest number.

    Raises:
        RuntimeError: other types, devices or shapes (of NNPACK).
    """
    output: Tensor = _Winograd.apply(input, weight, bias)
    return output


class WinogradConv2d(nn.Conv2d):
    """``nn.Conv2d`` that takes :func:`winograd_conv2d` for maps that are large enough, as long as
    PyTorch may use all cores."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if _fits(input, weight):
            return winograd_conv2d(input, weight, bias)
        return super()._conv_forward(input, weight, bias)


def use_winograd(model: nn.Module) -> int:
    """Turn the 3×3 convolutions of a model into :class:`WinogradConv2d`, in place.

    Parameters, names and state dict stay as they are.

    Returns:
        How many are turned.
    """
    found = [module for module in model.modules() if _eligible(module)]
    for module in found:
        module.__class__ = WinogradConv2d
    return len(found)


def _eligible(module: Any) -> bool:
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (3, 3)
        and module.stride == module.padding == module.dilation == (1, 1)
        and module.groups == 1
        and module.padding_mode == "zeros"
        and min(module.in_channels, module.out_channels) >= FEWEST_CHANNELS
    )


def _fits(input: Tensor, weight: Tensor) -> bool:
    return (
        input.dim() == 4
        and input.device.type == weight.device.type == "cpu"
        and input.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and _tiles(input) >= FEWEST_TILES
        and torch.get_num_threads() >= usable_cores()
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def _tiles(input: Tensor) -> int:
    return math.ceil(input.size(2) / TILE) * math.ceil(input.size(3) / TILE)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.bias_sizes = None if bias is None else list(bias.shape)
        return _convolve(input, weight, bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        input, weight = ctx.saved_tensors
        by_input = None
        if ctx.needs_input_grad[0]:
            by_input = _convolve(grad, weight.transpose(0, 1).flip(2, 3), None)
        _, by_weight, by_bias = torch.ops.aten.convolution_backward(
            grad, input, weight, ctx.bias_sizes, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
            [False, *ctx.needs_input_grad[1:]],
        )  # fmt: skip
        return by_input, by_weight, by_bias


def _convolve(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve picture by picture: NNPACK's function for batches takes longer than oneDNN."""
    torch.backends.nnpack.is_available()  # sets NNPACK up, without which it refuses all
    weight = weight.contiguous()
    found = [
        torch._nnpack_spatial_convolution(one, weight, bias, [1, 1], [1, 1])
        for one in input.contiguous().split(1)
    ]
    return found[0] if len(found) == 1 else torch.cat(found)
