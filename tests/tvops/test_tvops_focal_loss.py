"""Focal losses against torchvision, loops in NumPy, and numerical derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision

import tvops  # noqa: F401


@pytest.fixture(scope="module")
def ops():
    import mmcv.ops

    return mmcv.ops


@pytest.fixture
def batch():
    """Logits (6, 4) and targets, the last of which is background."""
    torch.manual_seed(0)
    return torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 3, 1, 2, 2, 4])


def sigmoid_reference(logits, target, gamma, alpha, weight):
    out = np.zeros(logits.shape)
    for n, c in np.ndindex(*logits.shape):
        p = 1 / (1 + math.exp(-logits[n, c]))
        if target[n] == c:
            out[n, c] = -alpha * (1 - p) ** gamma * math.log(p)
        else:
            out[n, c] = -(1 - alpha) * p**gamma * math.log(1 - p)
        if target[n] < logits.shape[1]:
            out[n, c] *= weight[target[n]]
    return out


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (1.5, 0.6), (0.0, 0.5)])
def test_sigmoid_against_loops_and_torchvision(ops, batch, gamma, alpha):
    logits, target = batch
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    out = ops.sigmoid_focal_loss(logits, target, gamma, alpha, weight, "none")
    expected = sigmoid_reference(logits.numpy(), target.numpy(), gamma, alpha, weight.numpy())
    np.testing.assert_allclose(out.numpy(), expected)
    one_hot = torch.nn.functional.one_hot(target, 5)[:, :4].double()
    expected = torchvision.ops.sigmoid_focal_loss(logits, one_hot, alpha, gamma)
    torch.testing.assert_close(
        ops.sigmoid_focal_loss(logits, target, gamma, alpha, None, "none"), expected
    )


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", ["sigmoid_focal_loss", "softmax_focal_loss"])
def test_gradcheck(ops, batch, name, reduction):
    logits, target = batch
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    if name == "softmax_focal_loss":
        target = target.clamp(max=3)
    for factors in (None, weight):
        assert torch.autograd.gradcheck(
            lambda x, factors=factors: getattr(ops, name)(x, target, 2.0, 0.25, factors, reduction),
            logits.clone().requires_grad_(),
        )


def test_softmax_against_loops(ops, batch):
    logits, target = batch
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    out = ops.softmax_focal_loss(logits, target, 2.0, 0.25, weight, "none")
    exponent = np.exp(logits.numpy())
    for n, t in enumerate(target.tolist()):
        p = (exponent[n] / exponent[n].sum())[t] if t < 4 else 1.0
        expected = -0.25 * (1 - p) ** 2 * math.log(p) * (float(weight[t]) if t < 4 else 0.0)
        assert out[n].item() == pytest.approx(expected)


def test_certain_and_wrong_stays_finite(ops):
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    target = torch.tensor([1, 1])
    for loss in (ops.sigmoid_focal_loss, ops.softmax_focal_loss):
        value = loss(logits, target)
        (grad,) = torch.autograd.grad(value, logits)
        assert value.isfinite()
        assert value > 0
        assert grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_and_no_rows(ops, batch, dtype):
    logits, target = batch
    with torch.autocast("cpu", dtype=dtype):
        half = logits.to(dtype).requires_grad_()
        out = ops.sigmoid_focal_loss(half, target)
        out.backward()
    torch.testing.assert_close(
        out.double(), ops.sigmoid_focal_loss(logits, target), rtol=0.02, atol=0.01
    )
    assert half.grad.dtype == dtype
    assert ops.sigmoid_focal_loss(logits[:0], target[:0], 2.0, 0.25, None, "sum") == 0
