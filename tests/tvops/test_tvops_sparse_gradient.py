"""Convolutions with sparse gradients against PyTorch's own in double precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tvops.sparse_gradient import (
    SparseGradientConv2d,
    _places,
    sparse_gradient_conv2d,
    takes_sparse_gradients,
)


def compared(share: float, kernel: int, layout, dtype=torch.float32, shape=(2, 6, 9, 12)):
    """Gradients of ours and of truth for a gradient at ``share`` of all places."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-8, 9, shape, generator=generator) / 8
    weight = torch.randint(-8, 9, (5, shape[1], kernel, kernel), generator=generator) / 8
    values = [x.to(memory_format=layout), weight, torch.zeros(5)]
    ours = [t.clone().requires_grad_() for t in values]
    truth = [t.double().requires_grad_() for t in values]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        found = sparse_gradient_conv2d(*ours)
    wanted = functional.conv2d(*truth, padding=kernel // 2)
    assert found.dtype == dtype and found.shape == wanted.shape
    upstream = torch.randint(-4, 5, found.shape, generator=generator) / 4
    upstream *= torch.rand(shape[0], 1, *shape[2:], generator=generator) < share
    found.backward(upstream.to(dtype))
    wanted.backward(upstream.double())
    return [(one.grad, other.grad) for one, other in zip(ours, truth, strict=True)]


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_are_those_of_conv2d(share, kernel, layout) -> None:
    for found, wanted in compared(share, kernel, layout):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_gradients_in_bf16(share) -> None:
    for found, wanted in compared(share, 3, torch.channels_last, torch.bfloat16):
        torch.testing.assert_close(found.double(), wanted, rtol=2**-6, atol=0.02)


def test_corners_read_nothing_outside_the_map() -> None:
    x = torch.arange(2.0 * 3 * 4).view(2, 1, 3, 4).requires_grad_()
    weight = torch.ones(1, 1, 3, 3, requires_grad=True)
    upstream = torch.zeros(2, 1, 3, 4)
    upstream[1, 0, 0, 0] = 1
    sparse_gradient_conv2d(x, weight, None).backward(upstream)
    assert x.grad.nonzero().tolist() == [[1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 0, 1, 1]]
    assert weight.grad[0, 0].tolist() == [[0, 0, 0], [0, 12, 13], [0, 16, 17]]


def test_the_dense_backward_pass_is_left_to_pytorch(monkeypatch) -> None:
    monkeypatch.setattr("tvops.sparse_gradient._sparse", None)
    compared(1.0, 3, torch.channels_last)


def test_a_frozen_weight_gets_no_gradient() -> None:
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    found = sparse_gradient_conv2d(x, torch.randn(4, 3, 3, 3), None)
    found[0, 0, 2, 2].backward()
    assert x.grad is not None


def test_large_maps_go_forward_by_winograd() -> None:
    x = torch.randn(2, 32, 30, 40).to(memory_format=torch.channels_last).requires_grad_()
    weight = (torch.randn(40, 32, 3, 3) / 20).requires_grad_()
    found = sparse_gradient_conv2d(x, weight, None, 160)
    wanted = sparse_gradient_conv2d(x, weight, None, 161)
    assert not torch.equal(found, wanted)  # the other algorithm did run
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)
    upstream = torch.zeros_like(found)
    upstream[1, :, 3, 4] = 1
    ours = torch.autograd.grad(found, (x, weight), upstream)
    for one, other in zip(ours, torch.autograd.grad(wanted, (x, weight), upstream), strict=True):
        torch.testing.assert_close(one, other)


def test_which_convolutions_take_it() -> None:
    assert takes_sparse_gradients(nn.Conv2d(4, 4, 3, padding=1))
    assert takes_sparse_gradients(nn.Conv2d(4, 4, 1))
    others = [
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Sequential(),
        None,
    ]
    assert not any(map(takes_sparse_gradients, others))


def test_the_module_takes_it_where_gradients_are_asked_for(monkeypatch) -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    conv.__class__ = SparseGradientConv2d
    x = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        plain = conv(x)
    found = conv(x)
    assert "_Convolution" in type(found.grad_fn).__name__ and plain.grad_fn is None
    torch.testing.assert_close(found, plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "begins"), [(8, 0), (8, 1), (6, 0), (3, 0)])
def test_places_are_found_wherever_a_gradient_begins(dtype, channels, begins) -> None:
    """Eight bytes at a time where that fits, and one number at a time where not."""
    memory = torch.zeros(begins + 2 * 5 * 6 * channels, dtype=dtype)
    grad = memory[begins:].view(2, 5, 6, channels).permute(0, 3, 1, 2)
    for place in ((0, channels - 1, 0, 0), (0, 0, 4, 5), (1, 1, 2, 3)):
        grad[place] = 0.5
    for one in (grad, grad.contiguous()):
        assert _places(one).tolist() == [[0, 0, 0], [0, 4, 5], [1, 2, 3]]
