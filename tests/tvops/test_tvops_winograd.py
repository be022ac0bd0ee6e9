"""Winograd's convolutions against PyTorch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from tvops.winograd import WinogradConv2d, use_winograd, winograd_conv2d

pytestmark = pytest.mark.skipif(
    not torch.backends.nnpack.is_available(), reason="this PyTorch has no NNPACK"
)
SHAPES = [(1, 32, 30, 40), (2, 48, 25, 42), (3, 64, 13, 7), (1, 33, 6, 200)]


@pytest.fixture(autouse=True)
def all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that may use them all."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1 << 20)


def operands(shape, out=40, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).to(memory_format=layout)
    weight = (torch.randn(out, shape[1], 3, 3, generator=generator) / 20).to(memory_format=layout)
    return x, weight, torch.randn(out, generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_are_those_of_conv2d(shape, layout, with_bias) -> None:
    x, weight, bias = operands(shape, layout=layout)
    ours = [t.clone().requires_grad_() for t in (x, weight, bias)]
    truth = [t.double().requires_grad_() for t in (x, weight, bias)]
    found = winograd_conv2d(ours[0], ours[1], ours[2] if with_bias else None)
    wanted = functional.conv2d(truth[0], truth[1], truth[2] if with_bias else None, padding=1)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 5e-5 * wanted.abs().max()
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    found.backward(upstream)
    wanted.backward(upstream.double())
    for one, other in zip(ours, truth, strict=True):
        if other.grad is None:
            assert one.grad is None
        else:
            assert (one.grad - other.grad).abs().max() < 5e-5 * other.grad.abs().max()


def test_the_same_operands_give_the_same_bits() -> None:
    x, weight, bias = operands((2, 64, 31, 37))
    first = winograd_conv2d(x, weight, bias)
    for _ in range(5):
        torch.testing.assert_close(winograd_conv2d(x, weight, bias), first, rtol=0, atol=0)


def test_a_frozen_weight_gets_no_gradient() -> None:
    x, weight, bias = operands((1, 32, 30, 40))
    x.requires_grad_()
    winograd_conv2d(x, weight, bias).sum().backward()
    assert x.grad is not None and weight.grad is None and bias.grad is None


def test_only_plain_3x3_convolutions_are_turned_and_the_weights_stay() -> None:
    model = nn.Sequential(
        nn.Conv2d(128, 192, 3, padding=1),  # this one
        nn.Conv2d(192, 192, 3, padding=1, stride=2),
        nn.Conv2d(192, 192, 3, padding=1, groups=192),
        nn.Conv2d(192, 192, 3, padding=2, dilation=2),
        nn.Conv2d(192, 192, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(192, 192, 1),
        nn.Conv2d(192, 8, 3, padding=1),
    )
    before, plain = copy.deepcopy(model.state_dict()), copy.deepcopy(model)
    assert use_winograd(model) == 1
    assert [type(m) for m in model] == [WinogradConv2d, *[nn.Conv2d] * 6]
    assert model.state_dict().keys() == before.keys()
    x = torch.randn(1, 128, 40, 50)
    torch.testing.assert_close(model(x), plain(x), rtol=1e-4, atol=1e-4)
    assert use_winograd(model) == 0


@pytest.mark.parametrize(
    "x", [torch.randn(1, 128, 6, 6), torch.randn(1, 128, 60, 60, dtype=torch.float64)]
)
def test_small_maps_and_other_types_go_the_usual_way(x, monkeypatch) -> None:
    conv = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1).to(x.dtype))
    wanted = conv(x)
    use_winograd(conv)
    monkeypatch.setattr("tvops.winograd.winograd_conv2d", None)
    torch.testing.assert_close(conv(x), wanted, rtol=0, atol=0)


def test_autocast_keeps_its_type(monkeypatch) -> None:
    conv = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1))
    use_winograd(conv)
    monkeypatch.setattr("tvops.winograd.winograd_conv2d", None)
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(torch.randn(1, 128, 60, 60)).dtype == torch.bfloat16
