"""Deformable attention and CARAFE: the entry points that mmcv calls on a GPU, here on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tvops  # noqa: F401

SHAPES = [(5, 6), (3, 2)]


@pytest.fixture(scope="module")
def ops():
    import mmcv.ops

    return mmcv.ops


def attention_operands(dtype=torch.float64):
    torch.manual_seed(0)
    keys = sum(h * w for h, w in SHAPES)
    value = torch.randn(2, keys, 2, 3, dtype=dtype)
    locations = torch.rand(2, 4, 2, len(SHAPES), 3, 2, dtype=dtype) * 1.4 - 0.2
    weights = torch.rand(2, 4, 2, len(SHAPES), 3, dtype=dtype)
    shapes = torch.tensor(SHAPES)
    starts = torch.tensor([0, SHAPES[0][0] * SHAPES[0][1]])
    return value, shapes, starts, locations, weights


def bilinear(plane, y, x):
    """Value (D,) of a plane (H, W, D), zero outside."""
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    total = np.zeros(plane.shape[2])
    for row in (y0, y0 + 1):
        for col in (x0, x0 + 1):
            if 0 <= row < plane.shape[0] and 0 <= col < plane.shape[1]:
                total += plane[row, col] * (1 - abs(y - row)) * (1 - abs(x - col))
    return total


def attention_reference(value, locations, weights):
    batch, queries, heads, levels, points, _ = locations.shape
    out = np.zeros((batch, queries, heads, value.shape[3]))
    for b, q, h, level, p in np.ndindex(batch, queries, heads, levels, points):
        height, width = SHAPES[level]
        start = sum(rows * cols for rows, cols in SHAPES[:level])
        plane = value[b, start : start + height * width, h].reshape(height, width, -1)
        x, y = locations[b, q, h, level, p] * (width, height) - 0.5
        out[b, q, h] += weights[b, q, h, level, p] * bilinear(plane, y, x)
    return out.reshape(batch, queries, -1)


def attend(ops, value, shapes, starts, locations, weights):
    function = ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction
    return function.apply(value, shapes, starts, locations, weights, 64)


def test_attention_against_loops_and_mmcv(ops):
    value, shapes, starts, locations, weights = attention_operands()
    out = attend(ops, value, shapes, starts, locations, weights)
    np.testing.assert_allclose(
        out.numpy(), attention_reference(value.numpy(), locations.numpy(), weights.numpy())
    )
    formula = ops.multi_scale_deform_attn.multi_scale_deformable_attn_pytorch
    torch.testing.assert_close(out, formula(value, shapes, locations, weights))


def test_attention_gradcheck(ops):
    value, shapes, starts, locations, weights = attention_operands()
    assert torch.autograd.gradcheck(
        lambda v, x, w: attend(ops, v, shapes, starts, x, w),
        tuple(tensor.requires_grad_() for tensor in (value, locations, weights)),
        fast_mode=True,
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_attention_half_types(ops, dtype):
    value, shapes, starts, locations, weights = attention_operands(torch.float32)
    half = value.to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        out = attend(ops, half, shapes, starts, locations, weights)
    assert out.dtype == dtype
    expected = attend(ops, value, shapes, starts, locations, weights)
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.1)
    out.sum().backward()
    assert half.grad.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_attention_module_on_cpu_under_autocast(ops, dtype):
    torch.manual_seed(1)
    layer = ops.MultiScaleDeformableAttention(16, num_heads=2, num_levels=2, batch_first=True)
    keys = sum(h * w for h, w in SHAPES)
    query, value = torch.randn(1, 4, 16, requires_grad=True), torch.randn(1, keys, 16)
    with torch.autocast("cpu", dtype=dtype):
        out = layer(
            query,
            value=value,
            reference_points=torch.rand(1, 4, 2, 2),
            spatial_shapes=torch.tensor(SHAPES),
            level_start_index=torch.tensor([0, 30]),
        )
    out.float().sum().backward()
    assert query.grad.isfinite().all()


def carafe_reference(features, masks, kernel, groups, scale):
    batch, channels, height, width = features.shape
    out = np.zeros((batch, channels, height * scale, width * scale))
    radius = (kernel - 1) // 2
    for b, c, y, x in np.ndindex(*out.shape):
        for ky, kx in np.ndindex(kernel, kernel):
            row, col = y // scale + ky - radius, x // scale + kx - radius
            if 0 <= row < height and 0 <= col < width:
                tap = (c // (channels // groups) * kernel + ky) * kernel + kx
                out[b, c, y, x] += features[b, c, row, col] * masks[b, tap, y, x]
    return out


def carafe_operands(groups, scale):
    torch.manual_seed(2)
    features = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    return features, torch.rand(2, 9 * groups, 3 * scale, 4 * scale, dtype=torch.float64)


@pytest.mark.parametrize(("groups", "scale"), [(1, 2), (2, 2), (2, 1)])
def test_carafe_against_loops(ops, groups, scale):
    features, masks = carafe_operands(groups, scale)
    expected = carafe_reference(features.numpy(), masks.numpy(), 3, groups, scale)
    np.testing.assert_allclose(ops.carafe(features, masks, 3, groups, scale).numpy(), expected)
    np.testing.assert_allclose(
        ops.carafe_naive(features, masks, 3, groups, scale).numpy(), expected
    )


def test_carafe_gradcheck(ops):
    features, masks = carafe_operands(2, 2)
    assert torch.autograd.gradcheck(
        lambda x, m: ops.carafe(x, m, 3, 2, 2), (features.requires_grad_(), masks.requires_grad_())
    )


def test_carafe_naive_gradient_is_the_same(ops):
    from tvops import extension

    features, masks = (tensor.requires_grad_() for tensor in carafe_operands(2, 2))
    out = ops.carafe(features, masks, 3, 2, 2)
    grad = torch.randn_like(out)
    expected = torch.autograd.grad(out, (features, masks), grad)
    by_features, by_masks = torch.zeros_like(features), torch.zeros_like(masks)
    extension.carafe_naive_backward(
        grad, features, masks, by_features, by_masks, kernel_size=3, group_size=2, scale_factor=2
    )
    torch.testing.assert_close((by_features, by_masks), expected)


def test_carafe_pack_under_autocast(ops):
    layer = ops.CARAFEPack(8, 2)
    x = torch.randn(1, 8, 6, 6, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x)
    assert out.shape == (1, 8, 12, 12)
    out.float().sum().backward()
    assert x.grad.abs().sum() > 0
