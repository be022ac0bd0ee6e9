"""3×3 convolutions by Winograd's algorithm on CPUs for which oneDNN has none.

F(6×6, 3×3) (Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308) makes 36 outputs of a channel
from 64 products in place of 324. oneDNN, which runs PyTorch's convolutions, has it for AVX-512 only
(https://github.com/uxlfoundation/oneDNN/issues/436 and 491, read 2026-11-28); NNPACK, which the
same wheels hold, has it for AVX2. On AMD's CPUs with AVX-512 that is still faster than what oneDNN
takes for wide and large maps, two changes of layout included: 36 ms in place of 44 for 256 channels
and 120×160 pixels, 117 in place of 153 for 200×336 (two cores, torch 2.14.1).

PyTorch takes NNPACK for no convolution of batches below 16 pictures, so it is called here: in the
forward pass and for the gradient of the input, which is the convolution of the output's gradient
with the kernel turned by 180°. The gradient of the weight is PyTorch's own.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .cpu import is_amd_with_avx512, usable_cores

TILE = 6  # outputs a side that one transform makes


@dataclass(frozen=True)
class Fewest:
    """The smallest convolutions for which this pays: ``channels`` and ``tiles`` of a picture.

    With fewer, transforming the kernels costs more than is saved.
    """

    channels: int
    tiles: int


AVX2 = Fewest(channels=128, tiles=45)
AMD_AVX512 = Fewest(channels=256, tiles=400)


def where_winograd_pays() -> Fewest | None:
    """Return from which size on this machine convolves faster by NNPACK; None: never.

    ``OMP_NUM_THREADS`` has to leave all cores to this process, as NNPACK takes all. How many
    threads PyTorch has at the moment does not count: that is looked at in each call.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if (
        not hasattr(torch, "_nnpack_spatial_convolution")
        or not torch.backends.nnpack.is_available()
        or (limit.isdigit() and int(limit) < usable_cores())
    ):
        return None
    if torch.backends.cpu.get_cpu_capability() == "AVX2":
        return AVX2
    return AMD_AVX512 if is_amd_with_avx512() else None


def winograd_conv2d(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve with 3×3 kernels, stride 1 and padding 1; differentiable once.

    Args:
        input: (B, C, H, W) float32 on the CPU, of any memory format.
        weight: (K, C, 3, 3) float32.
        bias: (K,) float32.

    Returns:
        (B, K, H, W) in the memory format of ``input``; from ``conv2d`` it differs by about 1e-5 of
        the largest number.

    Raises:
        RuntimeError: other types, devices or shapes (of NNPACK).
    """
    output: Tensor = _Winograd.apply(input, weight, bias)
    return output


class WinogradConv2d(nn.Conv2d):
    """``nn.Conv2d`` that takes :func:`winograd_conv2d` for maps that are large enough, as long as
    PyTorch may use all cores."""

    fewest_tiles = AVX2.tiles

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if fits_winograd(input, weight, self.fewest_tiles):
            return winograd_conv2d(input, weight, bias)
        return super()._conv_forward(input, weight, bias)


def use_winograd(model: nn.Module, fewest: Fewest = AVX2) -> int:
    """Turn the 3×3 convolutions of a model into :class:`WinogradConv2d`, in place.

    Parameters, names and state dict stay as they are.

    Args:
        model: a network on the CPU.
        fewest: as of :func:`where_winograd_pays`.

    Returns:
        How many are turned.
    """
    found: list[Any] = [module for module in model.modules() if takes_winograd(module, fewest)]
    for module in found:
        module.__class__ = WinogradConv2d
        module.fewest_tiles = fewest.tiles
    return len(found)


def takes_winograd(module: Any, fewest: Fewest) -> bool:
    """Whether a module is a convolution that :class:`WinogradConv2d` can stand for."""
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (3, 3)
        and module.stride == module.padding == module.dilation == (1, 1)
        and module.groups == 1
        and module.padding_mode == "zeros"
        and min(module.in_channels, module.out_channels) >= fewest.channels
    )


def fits_winograd(input: Tensor, weight: Tensor, fewest_tiles: float) -> bool:
    """Whether maps (B, C, H, W) and a kernel that is eligible are worth it, now."""
    return (
        input.dim() == 4
        and input.device.type == weight.device.type == "cpu"
        and input.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and _tiles(input) >= fewest_tiles
        and torch.get_num_threads() >= usable_cores()
    )


def _tiles(input: Tensor) -> int:
    return math.ceil(input.size(2) / TILE) * math.ceil(input.size(3) / TILE)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.bias_sizes = None if bias is None else list(bias.shape)
        return convolve(input, weight, bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        input, weight = ctx.saved_tensors
        by_input = None
        if ctx.needs_input_grad[0]:
            by_input = convolve(grad, weight.transpose(0, 1).flip(2, 3), None)
        _, by_weight, by_bias = torch.ops.aten.convolution_backward(
            grad, input, weight, ctx.bias_sizes, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
            [False, *ctx.needs_input_grad[1:]],
        )  # fmt: skip
        return by_input, by_weight, by_bias


def convolve(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return what :func:`winograd_conv2d` returns, without gradients.

    Picture by picture: NNPACK's function for batches takes longer than oneDNN.
    """
    torch.backends.nnpack.is_available()  # sets NNPACK up, without which it refuses all
    weight = weight.contiguous()
    found = (
        torch._nnpack_spatial_convolution(_by_plane(one), weight, bias, [1, 1], [1, 1])
        for one in input.split(1)
    )
    if input.is_contiguous():
        return next(found) if len(input) == 1 else torch.cat(list(found))
    sizes = (input.size(0), weight.size(0), *input.shape[2:])
    joined = torch.empty(sizes, dtype=input.dtype, memory_format=torch.channels_last)
    for place, maps in zip(joined.split(1), found, strict=True):
        place.copy_(maps)
    return joined


def _by_plane(maps: Tensor) -> Tensor:
    """Return maps in contiguous layout, copied row by row.

    Copied in one, a map of 256 channels and 200×336 pixels took 60 ms in place of 9: neighbours of
    a plane lie a power of two apart in channels_last, and a plane is longer than the cache.
    """
    if maps.is_contiguous():
        return maps
    planes = torch.empty(maps.shape, dtype=maps.dtype)
    for row in range(maps.size(2)):
        planes[:, :, row].copy_(maps[:, :, row])
    return planes
