"""Each machine gets the layout and the algorithm that are fast there, and the same answers."""

from __future__ import annotations

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
    def pretend(
        capability: str, threads: int = 64, nnpack: bool = True, vendor: str = "GenuineIntel"
    ) -> None:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: nnpack)
        monkeypatch.setattr("tvops.cpu._vendor", lambda: vendor)

    return pretend


@pytest.mark.parametrize(
    "capability, threads, nnpack, training, words",
    [
        ("AVX2", 64, True, True, "contiguous, 1 by Winograd"),
        ("AVX2", 64, True, False, "contiguous, 1 by Winograd"),
        ("AVX2", 0, True, True, "contiguous"),  # fewer threads than cores: NNPACK takes them all
        ("AVX2", 0, True, False, "channels_last"),
        ("AVX2", 64, False, False, "channels_last"),
        ("DEFAULT", 64, True, True, "contiguous"),
        ("AVX512", 64, True, True, "channels_last"),
        ("AVX512", 64, True, False, "channels_last"),
    ],
)
def test_the_choice_follows_the_machine(machine, capability, threads, nnpack, training, words):
    machine(capability, threads, nnpack)
    model = network()
    weight = model[1].weight
    assert arrange_model(model, training=training) == words
    assert isinstance(model[1], WinogradConv2d) == ("Winograd" in words)
    layout = torch.channels_last if words == "channels_last" else torch.contiguous_format
    assert model[1].weight.is_contiguous(memory_format=layout)
    assert model[1].weight is weight  # the optimizer's own


@pytest.mark.parametrize("training", [True, False])
def test_with_amds_avx512_wide_and_large_maps_go_by_winograd_in_fp32(machine, training) -> None:
    if not torch.backends.nnpack.is_available():
        pytest.skip("this PyTorch has no NNPACK")
    plain = network()
    model, half = network(), network()
    model.load_state_dict(plain.state_dict())
    machine("AVX512", vendor="AuthenticAMD")
    words = arrange_model(model, training=training)
    assert words == "channels_last, 1 by Winograd"
    assert "Winograd" not in arrange_model(half, training=training, in_full=False)
    assert "Winograd" not in arrange_model(
        nn.Sequential(nn.Conv2d(WIDE // 2, WIDE // 2, 3, padding=1)), training=training
    )
    small, large = torch.randn(1, 3, 48, 60), torch.randn(2, 3, 120, 126)
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


def test_a_model_that_is_loaded_by_one_thread_is_arranged_for_all(machine, monkeypatch) -> None:
    """As the service loads its model (``fishdet.service.threads.alone``)."""
    machine("AVX2")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert arrange_model(network(), training=False) == "contiguous, 1 by Winograd"


def test_fewer_threads_than_cores_are_kept_to(machine, monkeypatch) -> None:
    machine("AVX2")
    model, picture = network(), torch.randn(2, 3, 48, 60)
    wanted = model(picture)
    arrange_model(model, training=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 0)
    monkeypatch.setattr("tvops.winograd.winograd_conv2d", None)
    torch.testing.assert_close(model(picture), wanted, rtol=1e-5, atol=1e-5)


def test_winograd_answers_as_the_plain_network(machine) -> None:
    if not torch.backends.nnpack.is_available():
        pytest.skip("this PyTorch has no NNPACK")
    model, picture = network(), torch.randn(2, 3, 48, 60)
    wanted = model(picture)
    machine("AVX2")
    assert where_winograd_pays() == AVX2
    arrange_model(model, training=False)
    found = model(picture)
    assert not torch.equal(found, wanted)  # the other algorithm did run
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_depthwise_backbones_are_channels_last_and_what_is_behind_them_contiguous(
    machine, training
) -> None:
    machine("AVX2")
    model = nn.Module()
    model.backbone = TimmBackbone("tf_efficientnet_lite0", out_indices=(1, 2), norm_eval=True)
    model.head = nn.Conv2d(40, 128, 3)
    picture = torch.randn(1, 3, 64, 64)
    model.eval()
    wanted = model.backbone(picture)
    done = arrange_model(model, training=training)
    assert done.startswith("channels_last in the backbone, contiguous behind it")
    assert ("BatchNorms within them" in done) == training
    stem = next(model.backbone.parameters())
    assert stem.is_contiguous(memory_format=torch.channels_last)
    assert model.head.weight.is_contiguous()
    for found, plain in zip(model.backbone(picture), wanted, strict=True):
        assert found.is_contiguous()
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
