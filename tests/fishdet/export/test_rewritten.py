"""Rewritten layers compute what they did: fixed padding, fully connected layers as convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from fishdet.export.convolved import convolve_maps
from fishdet.export.graph.padding import PaddedConv, with_fixed_padding


def _network(*kernels: int) -> nn.Module:
    torch.manual_seed(0)
    sides = [3, *range(4, 4 + len(kernels))]
    parts = [
        Conv2dSame(one, other, kernel, stride=2)
        for one, other, kernel in zip(sides, sides[1:], kernels, strict=False)
    ]
    return nn.Sequential(*parts)


@pytest.mark.parametrize("kernels", [(3,), (5, 3), (2, 7), (1, 3)])
def test_fixed_padding_is_the_open_one(kernels: tuple[int, ...]) -> None:
    network = _network(*kernels)
    step = 2 ** len(kernels)
    fixed = with_fixed_padding(network, 4 * step)
    assert all(isinstance(part, PaddedConv) for part in fixed)
    assert all(isinstance(part, Conv2dSame) for part in network), "the model itself stays"
    for height, width in ((step, 3 * step), (5 * step, 2 * step)):
        maps = torch.randn(2, 3, height, width)
        torch.testing.assert_close(fixed(maps), network(maps), rtol=0, atol=0)


@pytest.mark.parametrize("divisor", [1, 2, 6])
def test_padding_stays_open_where_a_stride_may_leave_something(divisor: int) -> None:
    network = _network(3, 3)
    assert with_fixed_padding(network, divisor) is network


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_on_whole_maps_becomes_a_convolution(bias: bool) -> None:
    openvino = pytest.importorskip("openvino", reason="needs the extra [export]")
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(8 * 3 * 3, 6, bias), nn.ReLU(), nn.Linear(6, 4, bias)
    ).eval()
    maps = torch.randn(5, 8, 3, 3)
    example = openvino.convert_model(network, example_input=maps, input=[-1, 8, 3, 3])
    assert convolve_maps(example) == 1, "the second layer has no maps before it"
    kinds = [op.get_type_name() for op in example.get_ordered_ops()]
    assert kinds.count("Convolution") == 1 and kinds.count("MatMul") == 1
    run = openvino.Core().compile_model(example, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with torch.no_grad():
        for rows in (5, 1):
            (found,) = run([maps[:rows].numpy()]).values()
            np.testing.assert_allclose(found, network(maps[:rows]).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("vnni", [True, False])
def test_int8_keeps_the_matrix_product_where_the_cpu_has_code_for_it(
    vnni: bool, tmp_path, monkeypatch
) -> None:
    openvino = pytest.importorskip("openvino", reason="needs the extra [export]")
    pytest.importorskip("nncf", reason="needs the extra [export]")
    from fishdet.export.quantiser import Quantiser

    monkeypatch.setattr("fishdet.export.quantiser.cpu_has_vnni", lambda: vnni)
    network = nn.Sequential(nn.Flatten(), nn.Linear(8 * 3 * 3, 6)).eval()
    model = openvino.convert_model(
        network, example_input=torch.randn(5, 8, 3, 3), input=[-1, 8, 3, 3]
    )
    quantiser = Quantiser(model, "openvino", "{}", tmp_path)
    kinds = {op.get_type_name() for op in quantiser.plain.get_ordered_ops()}
    assert ("MatMul" in kinds) == vnni and ("Convolution" in kinds) == (not vnni)
