"""Deformable convolutions through mmcv's modules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torchvision

import tvops  # noqa: F401
from tvops import extension

GEOMETRIES = [
    dict(stride=1, padding=1, dilation=1),
    dict(stride=2, padding=2, dilation=2),
    dict(stride=(2, 1), padding=(0, 1), dilation=(1, 2)),
]


@pytest.fixture(scope="module")
def ops():
    import mmcv.ops

    return mmcv.ops


def pair(value):
    return (value, value) if isinstance(value, int) else value


def operands(geometry, groups, deform_groups, dtype=torch.float64, batch=2):
    """Input, offset, mask and weight whose shapes fit."""
    torch.manual_seed(0)
    input = torch.randn(batch, 4, 7, 8, dtype=dtype)
    stride, padding, dilation = (pair(geometry[key]) for key in ("stride", "padding", "dilation"))
    out = [
        (length + 2 * p - 2 * d - 1) // s + 1
        for length, s, p, d in zip((7, 8), stride, padding, dilation, strict=True)
    ]
    offset = torch.randn(batch, deform_groups * 18, *out, dtype=dtype)
    mask = torch.rand(batch, deform_groups * 9, *out, dtype=dtype)
    weight = torch.randn(6, 4 // groups, 3, 3, dtype=dtype)
    return input, offset, mask, weight


def at(plane, y, x):
    """Bilinear value, zero outside."""
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for row, col in itertools.product((y0, y0 + 1), (x0, x0 + 1)):
        if 0 <= row < plane.shape[0] and 0 <= col < plane.shape[1]:
            total += plane[row, col] * (1 - abs(y - row)) * (1 - abs(x - col))
    return total


def reference(input, offset, mask, weight, geometry, groups, deform_groups):
    stride, padding, dilation = (pair(geometry[key]) for key in ("stride", "padding", "dilation"))
    batch, channels = input.shape[:2]
    out = np.zeros((batch, len(weight), *offset.shape[2:]))
    per_group, per_deform = channels // groups, channels // deform_groups
    for b, o, y, x in np.ndindex(*out.shape):
        group = o // (len(weight) // groups)
        for c, ky, kx in np.ndindex(per_group, 3, 3):
            channel = group * per_group + c
            tap = channel // per_deform * 9 + ky * 3 + kx
            value = at(
                input[b, channel],
                y * stride[0] - padding[0] + ky * dilation[0] + offset[b, 2 * tap, y, x],
                x * stride[1] - padding[1] + kx * dilation[1] + offset[b, 2 * tap + 1, y, x],
            )
            out[b, o, y, x] += weight[o, c, ky, kx] * value * mask[b, tap, y, x]
    return out


def as_torchvision(geometry):
    return {key: pair(value) for key, value in geometry.items()}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("groups", "deform_groups"), [(1, 1), (2, 2)])
def test_forward_against_loops_and_torchvision(ops, geometry, groups, deform_groups):
    input, offset, mask, weight = operands(geometry, groups, deform_groups)
    args = (*(geometry[key] for key in ("stride", "padding", "dilation")), groups, deform_groups)
    plain = ops.deform_conv2d(input, offset, weight, *args)
    arrays = [tensor.numpy() for tensor in (input, offset, mask, weight)]
    ones = np.ones_like(arrays[2])
    np.testing.assert_allclose(
        plain.numpy(),
        reference(arrays[0], arrays[1], ones, arrays[3], geometry, groups, deform_groups),
        atol=1e-9,
    )
    bias = torch.randn(6, dtype=torch.float64)
    modulated = ops.modulated_deform_conv2d(input, offset, mask, weight, bias, *args)
    np.testing.assert_allclose(
        modulated.numpy() - bias.numpy()[:, None, None],
        reference(*arrays, geometry, groups, deform_groups),
        atol=1e-9,
    )
    torch.testing.assert_close(
        modulated,
        torchvision.ops.deform_conv2d(
            input, offset, weight, bias, mask=mask, **as_torchvision(geometry)
        ),
    )


@pytest.mark.parametrize(("groups", "deform_groups"), [(1, 1), (2, 2), (1, 4)])
def test_gradients_against_torchvision(ops, groups, deform_groups):
    geometry = GEOMETRIES[1]
    base = [tensor.float() for tensor in operands(geometry, groups, deform_groups)]
    ours = [tensor.clone().requires_grad_() for tensor in base]
    theirs = [tensor.clone().requires_grad_() for tensor in base]
    plain = ops.deform_conv2d(ours[0], ours[1], ours[3], 2, 2, 2, groups, deform_groups)
    gated = ops.modulated_deform_conv2d(*ours, None, 2, 2, 2, groups, deform_groups)
    plain_tv = torchvision.ops.deform_conv2d(
        theirs[0], theirs[1], theirs[3], **as_torchvision(geometry)
    )
    gated_tv = torchvision.ops.deform_conv2d(
        theirs[0], theirs[1], theirs[3], mask=theirs[2], **as_torchvision(geometry)
    )
    grad = torch.randn_like(plain)
    ((plain * grad).sum() + (gated * grad).sum()).backward()
    ((plain_tv * grad).sum() + (gated_tv * grad).sum()).backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("geometry", GEOMETRIES[1:])
def test_gradcheck(ops, geometry):
    input, offset, mask, weight = (
        tensor.requires_grad_() for tensor in operands(geometry, 2, 2, batch=1)
    )
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    args = (*(geometry[key] for key in ("stride", "padding", "dilation")), 2, 2)
    assert torch.autograd.gradcheck(
        lambda *x: ops.deform_conv2d(*x, *args), (input, offset, weight), fast_mode=True
    )
    assert torch.autograd.gradcheck(
        lambda *x: ops.modulated_deform_conv2d(*x, *args),
        (input, offset, mask, weight, bias),
        fast_mode=True,
    )


def test_weight_gradient_alone(ops):
    """Input and offset frozen: only deform_conv_backward_parameters is called."""
    input, offset, _, weight = operands(GEOMETRIES[0], 1, 1)
    assert torch.autograd.gradcheck(
        lambda w: ops.deform_conv2d(input, offset, w, 1, 1), weight.requires_grad_(), fast_mode=True
    )


def test_second_backward_through_a_kept_graph(ops):
    input, offset, _, weight = (x.requires_grad_() for x in operands(GEOMETRIES[0], 1, 1))
    out = ops.deform_conv2d(input, offset, weight, 1, 1)
    first = torch.autograd.grad(out.sum(), weight, retain_graph=True)[0]
    second = torch.autograd.grad(3 * out.sum(), weight)[0]
    torch.testing.assert_close(second, 3 * first)


def test_im2col_step_and_scale_as_mmcv_passes_them(ops):
    input, offset, _, weight = operands(GEOMETRIES[0], 1, 1, batch=4)
    out = ops.deform_conv2d(input, offset, weight, 1, 1, 1, 1, 1, False, 2)
    torch.testing.assert_close(out, ops.deform_conv2d(input, offset, weight, 1, 1))
    with pytest.raises(AssertionError, match="divisible by im2col_step"):
        ops.deform_conv2d(input[:3], offset[:3], weight, 1, 1, 1, 1, 1, False, 2)
    grads = []
    for scale in (1, 2):
        grad = torch.zeros_like(weight)
        extension.deform_conv_backward_parameters(
            input,
            offset,
            torch.ones_like(out),
            grad,
            input.new_empty(0),
            input.new_empty(0),
            kW=3,
            kH=3,
            dW=1,
            dH=1,
            padW=1,
            padH=1,
            dilationW=1,
            dilationH=1,
            group=1,
            deformable_group=1,
            scale=scale,
            im2col_step=4,
        )
        grads.append(grad)
    torch.testing.assert_close(grads[1], 2 * grads[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["DeformConv2dPack", "ModulatedDeformConv2dPack"])
def test_modules_under_autocast(ops, dtype, name):
    torch.manual_seed(1)
    layer = getattr(ops, name)(4, 6, 3, padding=1)
    x = torch.randn(2, 4, 9, 9, requires_grad=True)
    exact = layer(x)
    with torch.autocast("cpu", dtype=dtype):
        out = layer(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), exact, atol=0.05, rtol=0.05)
    out.float().square().mean().backward()
    assert x.grad.isfinite().all()
    assert layer.weight.grad.abs().sum() > 0
