"""Winograd's convolutions against PyTorch's own."""

from __future__ import annotations

import copy
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tvops.winograd import AMD_AVX512, AVX2, WinogradConv2d, use_winograd, winograd_conv2d

SHAPES = [(1, 32, 30, 40), (2, 48, 25, 42), (3, 64, 13, 7), (1, 33, 6, 200), (2, 8, 1, 1)]


def operands(shape, out=40, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).to(memory_format=layout)
    weight = (torch.randn(out, shape[1], 3, 3, generator=generator) / 20).to(memory_format=layout)
    return x, weight, torch.randn(out, generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("by_onednn", [True, False])
def test_values_and_gradients_are_those_of_conv2d(
    shape, layout, with_bias, by_onednn, monkeypatch
) -> None:
    if by_onednn and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this PyTorch has no oneDNN")
    monkeypatch.setattr("tvops.winograd.onednn_linear_pays", lambda: by_onednn)
    x, weight, bias = operands(shape, layout=layout)
    ours = [t.clone().requires_grad_() for t in (x, weight, bias)]
    truth = [t.double().requires_grad_() for t in (x, weight, bias)]
    found = winograd_conv2d(ours[0], ours[1], ours[2] if with_bias else None)
    wanted = functional.conv2d(truth[0], truth[1], truth[2] if with_bias else None, padding=1)
    assert found.shape == wanted.shape
    assert found.is_contiguous(memory_format=layout)
    assert (found - wanted).abs().max() < 5e-5 * wanted.abs().max()
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    found.backward(upstream)
    wanted.backward(upstream.double())
    for one, other in zip(ours, truth, strict=True):
        if other.grad is None:
            assert one.grad is None
        else:
            assert (one.grad - other.grad).abs().max() < 5e-5 * other.grad.abs().max()


@settings(deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 23), st.integers(1, 23),
    st.integers(1, 1 << 14), st.integers(1, 1 << 14),
)  # fmt: skip
def test_parts_of_any_size_give_the_whole(pictures, into, out, height, width, chunk, strip) -> None:
    x, weight, bias = operands((pictures, into, height, width), out)
    wanted = functional.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1))
    truth = torch.ops.aten.convolution_backward(
        upstream.double(), x.double(), weight.double(), [out], [1, 1], [1, 1], [1, 1], False,
        [0, 0], 1, [True, True, True],
    )  # fmt: skip
    leaves = [t.clone().requires_grad_() for t in (x, weight, bias)]
    with (
        mock.patch("tvops.winograd._CHUNK", chunk),
        mock.patch("tvops.winograd_tiles._STRIP", strip),
    ):
        found = winograd_conv2d(*leaves)
        found.backward(upstream)
    for one, other in zip([found, *(t.grad for t in leaves)], [wanted, *truth], strict=True):
        assert (one - other).abs().max() <= 5e-5 * max(float(other.abs().max()), 0.1)


def test_a_relu_may_write_over_the_output() -> None:
    x, weight, bias = operands((1, 32, 30, 40))
    leaf = x.clone().requires_grad_()
    found = winograd_conv2d(leaf, weight, bias).relu_()
    found.sum().backward()
    other = x.clone().requires_grad_()
    functional.conv2d(other, weight, bias, padding=1).relu_().sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad, rtol=1e-3, atol=1e-4)


def test_held_kernels_follow_the_weight() -> None:
    layer = WinogradConv2d(32, 40, 3, padding=1)
    x = torch.randn(1, 32, 24, 40)
    for _ in range(2):
        with torch.no_grad():
            wanted = functional.conv2d(x, layer.weight, layer.bias, padding=1)
            torch.testing.assert_close(layer.convolve_held(x), wanted, rtol=1e-4, atol=1e-4)
            held = layer._held[2]
            layer.convolve_held(x)
            assert layer._held[2] is held
            layer.weight.mul_(-2)
    assert layer.state_dict().keys() == {"weight", "bias"}


def test_copies_and_other_weights_get_kernels_of_their_own() -> None:
    layer, x = WinogradConv2d(32, 40, 3, padding=1), torch.randn(1, 32, 24, 40)
    layer.convolve_held(x)
    copied = copy.deepcopy(layer)
    assert copied._held is None and layer._held is not None
    other = {name: torch.randn_like(value) for name, value in layer.state_dict().items()}
    copied.load_state_dict(other)
    for _ in range(3):
        layer.weight = nn.Parameter(torch.randn_like(layer.weight))
        for one in (layer, copied):
            with torch.no_grad():
                wanted = functional.conv2d(x, one.weight, one.bias, padding=1)
                apart = (one.convolve_held(x) - wanted).abs().max()
            assert apart < 5e-5 * wanted.abs().max()


def test_no_pictures_are_no_maps() -> None:
    found = winograd_conv2d(torch.zeros(0, 4, 8, 8), torch.ones(6, 4, 3, 3), None)
    assert found.shape == (0, 6, 8, 8)


def test_nothing_is_traced_in_parts() -> None:
    """An export gets one convolution, as every runtime knows it."""
    layer = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1))
    assert use_winograd(layer) == 1
    graph = str(torch.jit.trace(layer, torch.randn(1, 64, 60, 80)).inlined_graph)
    assert graph.count("aten::_convolution(") == 1 and "aten::sub" not in graph


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


def test_the_first_layer_that_learns_gives_its_input_none() -> None:
    x, weight, bias = operands((1, 32, 30, 40))
    weight.requires_grad_()
    winograd_conv2d(x, weight, bias).square().sum().backward()
    other = weight.detach().clone().requires_grad_()
    functional.conv2d(x, other, bias, padding=1).square().sum().backward()
    assert x.grad is None
    assert (weight.grad - other.grad).abs().max() < 5e-5 * other.grad.abs().max()


def test_only_plain_3x3_convolutions_are_turned_and_the_weights_stay() -> None:
    model = nn.Sequential(
        nn.Conv2d(128, 192, 3, padding=1),  # this one
        nn.Conv2d(192, 192, 3, padding=1, stride=2),
        nn.Conv2d(192, 192, 3, padding=1, groups=192),
        nn.Conv2d(192, 192, 3, padding=2, dilation=2),
        nn.Conv2d(192, 192, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(192, 192, 1),
        nn.Conv2d(192, 63, 3, padding=1),
    )
    before, plain = copy.deepcopy(model.state_dict()), copy.deepcopy(model)
    assert use_winograd(model) == 1
    assert [type(m) for m in model] == [WinogradConv2d, *[nn.Conv2d] * 6]
    assert model.state_dict().keys() == before.keys()
    x = torch.randn(1, 128, 40, 50)
    torch.testing.assert_close(model(x), plain(x), rtol=1e-4, atol=1e-4)
    assert use_winograd(model) == 0


@pytest.mark.parametrize(
    "x", [torch.randn(1, 128, 20, 24), torch.randn(1, 128, 60, 60, dtype=torch.float64)]
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


def test_wide_layers_of_large_maps_alone_are_turned_with_avx512() -> None:
    model = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(256, 256, 3, padding=1))
    assert use_winograd(copy.deepcopy(model), AVX2) == 2
    assert use_winograd(model, AMD_AVX512) == 1 and type(model[1]) is WinogradConv2d
