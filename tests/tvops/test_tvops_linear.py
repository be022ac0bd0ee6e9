"""Linear layers by oneDNN against PyTorch's own in double precision."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from tvops.linear import (
    FEWEST_PRODUCTS,
    OneDnnLinear,
    onednn_linear,
    onednn_linear_pays,
    use_onednn_linear,
)

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN"
)


def operands(rows: int, wide: int = 96, out: int = 40):
    generator = torch.Generator().manual_seed(0)
    shapes = (rows, wide), (out, wide), (out,)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_are_those_of_linear(rows, with_bias) -> None:
    values = operands(rows)[: 3 if with_bias else 2]
    ours = [t.clone().requires_grad_() for t in values]
    truth = [t.double().requires_grad_() for t in values]
    found = onednn_linear(ours[0], ours[1], ours[2] if with_bias else None)
    wanted = functional.linear(*truth)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-4)
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    found.backward(upstream)
    wanted.backward(upstream.double())
    for one, other in zip(ours, truth, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("part", ["x", "weight", "upstream"])
def test_parts_of_wider_matrices_meet_fast_code(part, monkeypatch) -> None:
    """oneDNN takes a thousand times as long where rows have numbers between them."""
    x, weight, _ = operands(5)
    wide = {"x": x, "weight": weight, "upstream": torch.ones(5, 40)}
    wide[part] = wide[part].repeat(1, 2)[:, : wide[part].size(1)]
    assert not wide[part].is_contiguous()
    x, weight = wide["x"].requires_grad_(), wide["weight"].requires_grad_()
    met, real = [], torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(
        torch.ops.mkldnn, "_linear_pointwise", lambda *a: (met.extend(a[:2]), real(*a))[1]
    )
    onednn_linear(x, weight, None).backward(wide["upstream"])
    assert len(met) == 6
    assert all(side.is_contiguous() or side.t().is_contiguous() for side in met)
    torch.testing.assert_close(x.grad, wide["upstream"] @ weight.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(weight.grad, wide["upstream"].t() @ x.detach(), rtol=1e-5, atol=1e-5)


def test_a_frozen_weight_gets_no_gradient() -> None:
    x, weight, bias = operands(5)
    x.requires_grad_()
    onednn_linear(x, weight, bias).sum().backward()
    assert x.grad is not None and weight.grad is None and bias.grad is None


def test_large_layers_are_turned_and_the_weights_stay(monkeypatch) -> None:
    model = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 4))
    plain, names = copy.deepcopy(model), model.state_dict().keys()
    assert use_onednn_linear(model) == 2 and use_onednn_linear(model) == 0
    assert type(model[0]) is OneDnnLinear and model.state_dict().keys() == names
    called = []
    monkeypatch.setattr(
        "tvops.linear.onednn_linear", lambda *of: called.append(of) or functional.linear(*of)
    )
    x = torch.randn(FEWEST_PRODUCTS // (512 * 256), 512)
    torch.testing.assert_close(model(x), plain(x), rtol=1e-5, atol=1e-5)
    assert len(called) == 1  # the second layer is too small
    model(x[:1]), model(x[None])
    with torch.autocast("cpu", torch.bfloat16):
        assert model(x).dtype == torch.bfloat16
    assert len(called) == 1


@pytest.mark.parametrize(
    "capability, vendor, pays",
    [("AVX512", "AuthenticAMD", True), ("AVX512", "GenuineIntel", False),
     ("AVX2", "AuthenticAMD", False), ("AVX512", "", False)],
)  # fmt: skip
def test_it_is_for_cpus_on_which_mkl_is_slow(capability, vendor, pays, monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr("tvops.cpu._vendor", lambda: vendor)
    assert onednn_linear_pays() == pays
