"""Depthwise convolutions with their own backward pass against PyTorch's in double precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tvops.depthwise import DepthwiseConv2d, depthwise_conv2d, is_depthwise


def operands(channels: int, kernel: int, shape=(13, 18), layout=torch.channels_last):
    """Values that bf16 holds exactly, so that only sums round."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-8, 9, (2, channels, *shape), generator=generator) / 8
    weight = torch.randint(-8, 9, (channels, 1, kernel, kernel), generator=generator) / 8
    bias = torch.randint(-8, 9, (channels,), generator=generator) / 8
    return [t.to(memory_format=layout) if t.dim() == 4 else t for t in (x, weight, bias)]


def gradients(output: torch.Tensor, tensors) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    upstream = torch.randint(-4, 5, output.shape, generator=generator) / 4
    output.backward(upstream.to(output.dtype))
    return [tensor.grad for tensor in tensors]


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_values_and_gradients_are_those_of_conv2d(kernel, stride, layout) -> None:
    padding = (kernel // 2, kernel // 2)
    values = operands(24, kernel, layout=layout)
    ours = [t.clone().requires_grad_() for t in values]
    truth = [t.double().requires_grad_() for t in values]
    with torch.autocast("cpu", torch.bfloat16):
        found = depthwise_conv2d(*ours, stride, padding)
    wanted = functional.conv2d(*truth, stride, padding, 1, 24)
    assert found.dtype == torch.bfloat16 and found.shape == wanted.shape
    assert "_Depthwise" in type(found.grad_fn).__name__
    torch.testing.assert_close(found.double(), wanted, rtol=2**-8, atol=1e-6)
    for one, other in zip(gradients(found, ours), gradients(wanted, truth), strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=2**-7, atol=1e-6)


@pytest.mark.parametrize("padding", [(0, 0), (1, 2), (4, 4)])
@pytest.mark.parametrize("shape", [(13, 18), (5, 6)])
def test_padding_other_than_half_the_kernel(padding, shape) -> None:
    values = operands(8, 5, shape)
    ours = [t.clone().requires_grad_() for t in values]
    truth = [t.double().requires_grad_() for t in values]
    with torch.autocast("cpu", torch.bfloat16):
        found = depthwise_conv2d(*ours, (2, 2), padding)
    wanted = functional.conv2d(*truth, (2, 2), padding, 1, 8)
    for one, other in zip(gradients(found, ours), gradients(wanted, truth), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=2**-7, atol=1e-6)


def test_what_is_frozen_gets_no_gradient() -> None:
    x, weight, _ = operands(8, 5)
    x.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        depthwise_conv2d(x, weight, None, (1, 1), (2, 2)).sum().backward()
    assert x.grad is not None and weight.grad is None


def test_without_autocast_or_gradients_it_is_conv2d(monkeypatch) -> None:
    monkeypatch.setattr("tvops.depthwise._Depthwise", None)
    x, weight, bias = operands(8, 5)
    weight.requires_grad_()
    wanted = functional.conv2d(x, weight, bias, (1, 1), (2, 2), 1, 8)
    found = depthwise_conv2d(x, weight, bias, (1, 1), (2, 2))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert depthwise_conv2d(x, weight, bias).dtype == torch.bfloat16


def test_which_convolutions_are_depthwise() -> None:
    assert is_depthwise(nn.Conv2d(8, 8, 5, groups=8))
    assert not any(
        map(
            is_depthwise,
            [
                nn.Conv2d(8, 8, 5),
                nn.Conv2d(8, 16, 5, groups=8),
                nn.Conv2d(8, 8, 1, groups=8),
                nn.Conv2d(8, 8, (3, 5), groups=8),
                nn.Conv2d(8, 8, 3, groups=8, dilation=2),
                nn.Conv2d(8, 8, 3, groups=8, padding="same"),
                nn.Conv2d(8, 8, 3, groups=8, padding_mode="reflect"),
                nn.Linear(8, 8),
            ],
        )
    )


def test_the_module_takes_it() -> None:
    conv = nn.Conv2d(8, 8, 5, padding=2, groups=8)
    conv.__class__ = DepthwiseConv2d
    with torch.autocast("cpu", torch.bfloat16):
        found = conv(torch.randn(1, 8, 9, 9))
    assert "_Depthwise" in type(found.grad_fn).__name__
