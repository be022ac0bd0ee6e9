"""TensorFlow's "same" padding with fixed numbers, so that runtimes run it within the convolution.

timm's ``tf_…`` networks pad each picture by what its size leaves over the stride
(``timm.layers.Conv2dSame``), which in a graph of open sizes is an operation of its own, one that
OpenVINO has in a reference version alone, in FP32. Where the input is padded to a multiple of all
strides together, nothing is ever left over and the numbers are known.
"""

from __future__ import annotations

from copy import deepcopy
from math import prod

from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F


class PaddedConv(nn.Module):
    """A convolution behind zeros on the left, right, top and bottom; shares the weights."""

    def __init__(self, conv: nn.Conv2d, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.weight, self.bias, self.sides = conv.weight, conv.bias, sides
        self.settings = (conv.stride, 0, conv.dilation, conv.groups)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) maps."""
        return F.conv2d(F.pad(maps, self.sides), self.weight, self.bias, *self.settings)


def with_fixed_padding(backbone: nn.Module, divisor: int) -> nn.Module:
    """Return the backbone, as a copy with fixed padding where that pads the same.

    Args:
        backbone: any network.
        divisor: height and width of its input are multiples of it.
    """
    open_ = _same_padded(backbone)
    strides = [max(conv.stride) for conv in open_.values()]
    if not open_ or divisor % prod(strides):
        return backbone
    copied = deepcopy(backbone)
    for name, conv in _same_padded(copied).items():
        parent, _, child = name.rpartition(".")
        setattr(copied.get_submodule(parent), child, PaddedConv(conv, _sides(conv)))
    return copied


def _same_padded(backbone: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: part for name, part in backbone.named_modules() if isinstance(part, Conv2dSame)}


def _sides(conv: nn.Conv2d) -> tuple[int, ...]:
    """(left, right, top, bottom) zeros of an input whose sides the stride divides."""
    spans = zip(conv.kernel_size, conv.stride, conv.dilation, strict=True)
    down, across = (max((kernel - 1) * gap + 1 - step, 0) for kernel, step, gap in spans)
    return (across // 2, across - across // 2, down // 2, down - down // 2)
