"""Deformable convolution, plain (Dai et al., 2017) and modulated (Zhu et al., 2018).

https://arxiv.org/abs/1703.06211, https://arxiv.org/abs/1811.11168; on torchvision's kernels. Those
take float32 and float64 only on the CPU, so half types are widened on the way in.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tvops.precision import widened, without_autocast


class Geometry(NamedTuple):
    """Stride, padding and dilation, each (vertical, horizontal) in pixels, and group counts."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    offset_groups: int


class Gradients(NamedTuple):
    """Gradients by each operand; ``mask`` and ``bias`` mean something only where there was one."""

    input: Tensor
    weight: Tensor
    offset: Tensor
    mask: Tensor
    bias: Tensor


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Fill ``output`` (B, O, H', W') with the deformable convolution of ``input`` (B, C, H, W).

    ``offset`` is (B, 2·deformable_group·kH·kW, H', W'), dy before dx, in pixels. ``columns`` and
    ``ones`` are scratch memory that is not needed here, and ``im2col_step`` has no effect.
    """
    geometry = Geometry((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    output.copy_(_forward(input, weight, offset, None, None, geometry))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradInput: Tensor,
    gradOffset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Fill ``gradInput`` and ``gradOffset``.

    torchvision computes all gradients at once. mmcv hands the same scratch ``columns`` to
    :func:`deform_conv_backward_parameters` right after this call, so the gradient of the weights
    travels in it and is not computed twice.
    """
    geometry = Geometry((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    gradients = _backward(gradOutput, input, weight, offset, None, None, geometry)
    columns.resize_(weight.shape).copy_(gradients.weight)
    gradInput.copy_(gradients.input)
    gradOffset.copy_(gradients.offset)


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradWeight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> None:
    """Add ``scale`` times the gradient of the weights to ``gradWeight``.

    It is what ``columns`` holds after :func:`deform_conv_backward_input`, which empties it here.
    Else it is computed; as it does not depend on the weights, ``gradWeight`` serves for them.
    """
    if columns.shape == gradWeight.shape:
        gradWeight.add_(columns, alpha=scale)
        columns.resize_(0)
        return
    geometry = Geometry((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    gradients = _backward(gradOutput, input, gradWeight, offset, None, None, geometry)
    gradWeight.add_(gradients.weight.to(gradWeight.dtype), alpha=scale)


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Fill ``output`` (B, O, H', W'); ``mask`` is (B, deformable_group·kH·kW, H', W')."""
    geometry = Geometry(
        (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group
    )
    output.copy_(_forward(input, weight, offset, mask, bias if with_bias else None, geometry))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Fill the five ``grad_`` tensors; ``grad_bias`` only where there is a bias."""
    geometry = Geometry(
        (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group
    )
    gradients = _backward(
        grad_output, input, weight, offset, mask, bias if with_bias else None, geometry
    )
    grad_input.copy_(gradients.input)
    grad_weight.copy_(gradients.weight)
    grad_offset.copy_(gradients.offset)
    grad_mask.copy_(gradients.mask)
    if with_bias:
        grad_bias.copy_(gradients.bias)


def _forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    bias: Tensor | None,
    geometry: Geometry,
) -> Tensor:
    operands, use_mask = _operands(input, weight, offset, mask, bias)
    with torch.no_grad(), without_autocast(input):
        return torch.ops.torchvision.deform_conv2d(*operands, *_flat(geometry), use_mask)


def _backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    bias: Tensor | None,
    geometry: Geometry,
) -> Gradients:
    operands, use_mask = _operands(input, weight, offset, mask, bias)
    grad = grad.to(operands[0].dtype).contiguous()
    with torch.no_grad(), without_autocast(input):
        return Gradients(
            *torch.ops.torchvision._deform_conv2d_backward(
                grad, *operands, *_flat(geometry), use_mask
            )
        )


def _operands(
    input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None, bias: Tensor | None
) -> tuple[list[Tensor], bool]:
    """The five tensors of one type and contiguous, a missing mask or bias as torchvision has it."""
    use_mask = mask is not None
    mask = input.new_zeros((input.size(0), 1)) if mask is None else mask
    bias = input.new_zeros(weight.size(0)) if bias is None else bias
    operands = widened(input, weight, offset, mask, bias)
    return [operand.contiguous() for operand in operands], use_mask


def _flat(geometry: Geometry) -> tuple[int, ...]:
    return (
        *geometry.stride,
        *geometry.padding,
        *geometry.dilation,
        geometry.groups,
        geometry.offset_groups,
    )
