"""3×3 convolutions by Winograd's algorithm, where that is faster than oneDNN's own.

F(4×4, 3×3) (Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308) makes 16 outputs of a channel
from 36 products in place of 144, and the gradients of input and weight in the same way. oneDNN,
which runs PyTorch's convolutions, has no such code for AVX2
(https://github.com/uxlfoundation/oneDNN/issues/436 and 491, read 2026-11-28). Here it is 36 matrix
products between the transforms of :mod:`tvops.winograd_tiles`, some rows of tiles at a time.
``benchmarks/winograd.py`` prints what that gains for maps of several sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .cpu import is_amd_with_avx512, usable_threads
from .linear import onednn_linear_pays, product
from .winograd_tiles import SEEN, TILE, Tiles, restore_kernels, transform_kernels

_FACTORS = SEEN * SEEN
_CHUNK = 32 << 20  # bytes of factors at a time


@dataclass(frozen=True)
class Fewest:
    """The smallest convolutions for which this pays: ``channels``, and ``tiles`` of all pictures.

    With fewer, the transforms cost more than is saved.
    """

    channels: int
    tiles: int


MOST_THREADS = 8  # with AVX-512: more wait for memory and for each other; measured: one and two
AVX2 = Fewest(channels=64, tiles=40)
AMD_AVX512 = Fewest(channels=256, tiles=160)


def where_winograd_pays() -> Fewest | None:
    """Return from which size on this machine convolves faster by Winograd's; None: never.

    How many threads PyTorch has at the moment does not count: a model may be loaded by one of
    several that run it.
    """
    if torch.backends.cpu.get_cpu_capability() == "AVX2":
        return AVX2
    return AMD_AVX512 if is_amd_with_avx512() and usable_threads() <= MOST_THREADS else None


def winograd_conv2d(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve with 3×3 kernels, stride 1 and padding 1; differentiable once.

    Args:
        input: (B, C, H, W) float32 on the CPU, of any memory format; fast in channels_last.
        weight: (K, C, 3, 3) float32.
        bias: (K,) float32.

    Returns:
        (B, K, H, W) in the memory format of ``input``; from ``conv2d`` it differs by about 1e-5 of
        the largest number.
    """
    if input.numel() == 0 or weight.numel() == 0:
        return F.conv2d(input, weight, bias, padding=1)
    output: Tensor = _Winograd.apply(input, weight, bias)
    return output


class WinogradConv2d(nn.Conv2d):
    """``nn.Conv2d`` that takes :func:`winograd_conv2d` for maps that are large enough."""

    fewest_tiles = AVX2.tiles
    _held: tuple[Any, Tensor, Tensor] | None = None  # state and weight that the kernels are of

    def __getstate__(self) -> dict[str, Any]:
        """Let copies begin without transformed kernels."""
        return {name: value for name, value in self.__dict__.items() if name != "_held"}

    def fits(self, input: Tensor) -> bool:
        """Whether :func:`winograd_conv2d` will be taken for maps (B, C, H, W)."""
        return fits_winograd(input, self.weight, self.fewest_tiles)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if fits_winograd(input, weight, self.fewest_tiles):
            return winograd_conv2d(input, weight, bias)
        return super()._conv_forward(input, weight, bias)

    def convolve_held(self, input: Tensor) -> Tensor:
        """Convolve maps that fit, without gradients, and keep the transformed kernels for the next.

        They are made anew when the weight is replaced or written to, but for what PyTorch does not
        count: writes to an inference tensor and to ``weight.data``.
        """
        weight, held = self.weight.detach(), self._held
        state = (weight.data_ptr(), None if weight.is_inference() else weight._version)
        if held is None or held[0] != state:
            # the weight is held so that no other one comes to lie at its address
            held = self._held = (state, weight, transform_kernels(weight))
        return convolve(input, held[2], self.bias)


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
        and not torch.jit.is_tracing()
        and not torch.compiler.is_compiling()
        and _tiles(input) >= fewest_tiles
    )


def _tiles(input: Tensor) -> int:
    return input.size(0) * math.ceil(input.size(2) / TILE) * math.ceil(input.size(3) / TILE)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        return convolve(input, transform_kernels(weight), bias)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        input, weight = ctx.saved_tensors
        by_input, by_weight = _gradients(grad, input, weight, ctx.needs_input_grad)
        return by_input, by_weight, grad.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None


def convolve(input: Tensor, factors: Tensor, bias: Tensor | None) -> Tensor:
    """Return what :func:`winograd_conv2d` returns, without gradients.

    Args:
        input: (B, C, H, W) float32.
        factors: (36, K, C), of :func:`tvops.winograd_tiles.transform_kernels`.
        bias: (K,) or None.
    """
    maps = _by_pixel(input)
    output = _room(input, factors.size(1))
    found = output.permute(0, 2, 3, 1)
    into, out = Tiles(maps), Tiles(found)
    for start, rows in _chunks(into, out):
        seen, products = into.factors(rows), out.factors(rows)
        into.read(maps, start, seen)
        _multiply(seen, factors, products)
        out.write(products, start, bias, found)
    return output.contiguous() if input.is_contiguous() else output


def _gradients(
    grad: Tensor, input: Tensor, weight: Tensor, wanted: Any
) -> tuple[Tensor | None, Tensor | None]:
    """Return those of input and weight.

    The input's is the convolution of the output's with the kernel turned by 180°. What is read of
    the output's gradient for that serves the weight's, too: it is correlated with the input in
    place of the other way round, which gives the turned kernel's.
    """
    given, maps = _by_pixel(grad), _by_pixel(input)
    turned = weight.transpose(0, 1).flip(2, 3)
    factors = transform_kernels(turned) if wanted[0] else None
    output = _room(input, input.size(1))
    found = output.permute(0, 2, 3, 1)
    out, into = Tiles(given), Tiles(maps)
    total: Tensor | None = None
    for start, rows in _chunks(into, out):
        seen, products = out.factors(rows), into.factors(rows)
        out.read(given, start, seen)
        if factors is not None:
            _multiply(seen, factors, products)
            into.write(products, start, None, found)
        if wanted[1]:
            into.spread(maps, start, products)
            part = _correlate(seen, products)
            total = part if total is None else total.add_(part)
    by_weight = None if total is None else restore_kernels(total).flip(2, 3)
    return output if wanted[0] else None, by_weight


def _chunks(*tiles: Tiles) -> list[tuple[int, int]]:
    """Return the first row of tiles of each chunk and how many rows it has."""
    rows = tiles[0].rows
    count = math.ceil(max(t.factor_bytes(rows) for t in tiles) / _CHUNK)
    most = math.ceil(rows / max(count, 1))
    return [(at, min(most, rows - at)) for at in range(0, rows, most)]


def _multiply(seen: Tensor, factors: Tensor, into: Tensor) -> None:
    """Multiply (6, 6, ..., C) by (36, K, C) into (6, 6, ..., K)."""
    left, out = seen.view(_FACTORS, -1, seen.size(-1)), into.view(_FACTORS, -1, into.size(-1))
    if not onednn_linear_pays():
        torch.bmm(left, factors.transpose(1, 2), out=out)
        return
    for one, factor, place in zip(left, factors, out, strict=True):
        place.copy_(product(one, factor))


def _correlate(seen: Tensor, spread: Tensor) -> Tensor:
    """Sum (6, 6, ..., K) times (6, 6, ..., C) over all tiles: (36, K, C)."""
    left, right = (t.view(_FACTORS, -1, t.size(-1)).transpose(1, 2) for t in (seen, spread))
    if not onednn_linear_pays():
        return torch.bmm(left, right.transpose(1, 2))
    return torch.stack([product(*both) for both in zip(left, right, strict=True)])


def _by_pixel(maps: Tensor) -> Tensor:
    """Return (B, C, H, W) as (B, H, W, C) in rows."""
    return maps.permute(0, 2, 3, 1).contiguous()


def _room(like: Tensor, channels: int) -> Tensor:
    """Return (B, channels, H, W) of the size of maps in channels_last, not yet written to."""
    sizes = (like.size(0), channels, *like.shape[2:])
    return torch.empty(sizes, dtype=like.dtype, memory_format=torch.channels_last)
