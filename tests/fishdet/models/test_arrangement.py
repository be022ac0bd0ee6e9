"""Each machine gets the layout and the algorithm that are fast there, and the same answers."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from fishdet.models.arrangement import arrange_model
from fishdet.models.timm_backbone import TimmBackbone
from tvops.sparse_gradient import SparseGradientConv2d
from tvops.winograd import AMD_AVX512, AVX2, WinogradConv2d, where_winograd_pays

WIDE = AMD_AVX512.channels


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, WIDE, 3, padding=1), nn.Conv2d(WIDE, WIDE, 3, padding=1))


@pytest.fixture
def machine(monkeypatch):
    def pretend(capability: str, vendor: str = "GenuineIntel", threads: int = 2) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr("tvops.cpu._vendor", lambda: vendor)

    return pretend


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "capability, vendor, words",
    [
        ("AVX2", "", "channels_last, 1 by Winograd"),
        ("AVX512", "AuthenticAMD", "channels_last, 1 by Winograd"),
        ("AVX512", "GenuineIntel", "channels_last"),
        ("DEFAULT", "", "channels_last"),
    ],
)
def test_the_choice_follows_the_machine(machine, capability, vendor, training, words) -> None:
    machine(capability, vendor)
    model = network()
    weight = model[1].weight
    assert arrange_model(model, training=training) == words
    assert isinstance(model[1], WinogradConv2d) == ("Winograd" in words)
    assert model[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert model[1].weight is weight  # the optimizer's own
    half = arrange_model(network(), training=training, in_full=False)
    assert half == "channels_last"


def test_many_threads_convolve_as_onednn_does_with_avx512(machine) -> None:
    machine("AVX512", "AuthenticAMD", threads=64)
    assert arrange_model(network(), training=True) == "channels_last"
    machine("AVX2", "AuthenticAMD", threads=64)
    assert "Winograd" in arrange_model(network(), training=True)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("capability, fewest", [("AVX2", AVX2), ("AVX512", AMD_AVX512)])
def test_large_maps_go_by_winograd_with_the_same_answers(
    machine, training, capability, fewest
) -> None:
    plain = network()
    model = copy.deepcopy(plain)
    machine(capability, vendor="AuthenticAMD")
    assert where_winograd_pays() == fewest
    arrange_model(model, training=training)
    narrow = nn.Sequential(nn.Conv2d(fewest.channels - 1, fewest.channels, 3, padding=1))
    assert "Winograd" not in arrange_model(narrow, training=training)
    side = 4 * math.isqrt(fewest.tiles)
    small, large = torch.randn(1, 3, side - 4, side), torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(model(small), plain(small), rtol=1e-5, atol=1e-5)
        found, wanted = model(large), plain(large)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(found, wanted)  # the other algorithm did run
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("vendor, capability", [("AuthenticAMD", "AVX512"), ("", "AVX2")])
def test_an_rpn_that_learns_keeps_its_sparse_gradient(machine, vendor, capability) -> None:
    machine(capability, vendor=vendor)
    model = nn.Module()
    model.rpn_head, model.train_cfg = nn.Module(), None
    model.rpn_head.test_cfg = None
    model.rpn_head.rpn_conv = nn.Conv2d(WIDE, WIDE, 3, padding=1)
    arrange_model(model, training=True)
    assert type(model.rpn_head.rpn_conv) is SparseGradientConv2d
    assert model.rpn_head.rpn_conv.fewest_tiles == where_winograd_pays().tiles


@pytest.mark.parametrize("training", [True, False])
def test_depthwise_backbones_answer_as_before(machine, training) -> None:
    machine("AVX2")
    model = nn.Module()
    model.backbone = TimmBackbone("tf_efficientnet_lite0", out_indices=(1, 2), norm_eval=True)
    picture = torch.randn(1, 3, 64, 64)
    model.eval()
    wanted = model.backbone(picture)
    done = arrange_model(model, training=training)
    assert ("BatchNorms within them" in done) == training
    for found, plain in zip(model.backbone(picture), wanted, strict=True):
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found, plain, rtol=1e-3, atol=1e-4)


def test_depthwise_gradients_in_bf16_are_as_near_to_full_precision_as_pytorchs(machine) -> None:
    machine("AVX512")
    picture = torch.randn(2, 3, 64, 64)

    def gradients(arranged: bool, bf16: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = nn.Module()
        model.backbone = TimmBackbone("tf_efficientnet_lite0", out_indices=(2, 3), norm_eval=True)
        if arranged:
            arrange_model(model, training=True)
            kinds = {type(module).__bases__[0].__name__ for module in model.modules()}
            assert {"DepthwiseConv2d", "_SameDepthwiseConv2d"} <= kinds
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = sum(level.float().square().mean() for level in model.backbone(picture))
        loss.backward()
        return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}

    def error(found: dict[str, torch.Tensor]) -> torch.Tensor:
        return sum((found[name] - one).norm() / one.norm() for name, one in truth.items())

    truth = gradients(arranged=False, bf16=False)
    assert error(gradients(arranged=True, bf16=False)) < 1e-3 * len(truth)
    plain = error(gradients(arranged=False, bf16=True))
    assert error(gradients(arranged=True, bf16=True)) < 1.5 * plain
