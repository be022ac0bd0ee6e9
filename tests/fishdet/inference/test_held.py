"""Weights that are cast once and read by pixel give the boxes that they gave."""

from __future__ import annotations

import copy

import pytest
import torch
from detections_alike import picture, require_equal
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from small_detectors import CLASSES, lively, small_config
from torch import nn

from fishdet.inference.held import hold_weights
from fishdet.inference.network import Network
from tvops.packed import packing_pays
from tvops.winograd import use_winograd


@pytest.mark.parametrize("kind", ["faster", "cascade", "agnostic", "lite0", "retinanet"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_boxes_stay(kind: str, dtype: torch.dtype, monkeypatch) -> None:
    if dtype == torch.bfloat16:  # where a sum that is rounded once moves boxes
        monkeypatch.setattr("fishdet.inference.held.join_residuals", lambda _: 0)
    register_all_modules(init_default_scope=False)
    cfg = small_config(kind)
    model = MODELS.build(cfg.model)
    lively(model)

    def boxes():
        network = Network(cfg, copy.deepcopy(model.state_dict()), kind, device="cpu", dtype=dtype,
                          classes=len(CLASSES), batch_size=1)  # fmt: skip
        return network.model, network([picture(96, 144, 0)])[0]

    held, found = boxes()
    monkeypatch.setattr("fishdet.inference.network.hold_weights", lambda *_: None)
    _, wanted = boxes()
    assert len(wanted) > 5
    require_equal(found, wanted)
    layers = [m for m in held.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        last = getattr(layer, "in_full", False)  # computes in float32
        assert hasattr(layer, "cast") == (dtype == torch.bfloat16 and not last)
    assert all(layer.weight.dtype == torch.float32 for layer in layers)


def test_cast_weights_serve_autocast_alone() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1, bias=False)).eval()
    x = torch.randn(1, 3, 8, 8)
    with torch.inference_mode():
        full = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            low = model(x)
        hold_weights(model, torch.bfloat16)
        torch.testing.assert_close(model(x), full, rtol=0, atol=0)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(model(x), low, rtol=0, atol=0)


@pytest.mark.parametrize("packs", [True, False])
def test_kernels_are_transformed_once_and_gradients_pass(packs: bool, monkeypatch) -> None:
    if packs and not packing_pays():
        pytest.skip("this CPU reads weights as they lie")
    monkeypatch.setattr("fishdet.inference.held.packing_pays", lambda: packs)
    model = nn.Sequential(nn.Conv2d(64, 72, 3, padding=1)).to(memory_format=torch.channels_last)
    small, large = (
        torch.randn(1, 64, side, 40).to(memory_format=torch.channels_last) for side in (12, 30)
    )
    wanted = [model(small).detach(), model(large).detach()]
    assert use_winograd(model) == 1
    hold_weights(model.eval(), torch.float32)
    with torch.inference_mode():
        torch.testing.assert_close(model(small), wanted[0], rtol=1e-5, atol=1e-5)
        assert model[0]._held is None
        torch.testing.assert_close(model(large), wanted[1], rtol=1e-4, atol=1e-4)
        held = model[0]._held
        model(large)
        assert held is not None and model[0]._held is held
    large.requires_grad_()
    model(large).sum().backward()
    assert large.grad is not None and float(large.grad.abs().sum()) > 0


def test_a_head_that_pools_or_convolves_first_stays() -> None:
    register_all_modules(init_default_scope=False)
    shape = dict(type="ConvFCBBoxHead", in_channels=4, num_classes=2, roi_feat_size=7)
    for options in (dict(num_shared_convs=1, num_shared_fcs=1, conv_out_channels=4),
                    dict(num_shared_fcs=1, with_avg_pool=True), dict(num_cls_fcs=1)):  # fmt: skip
        head = MODELS.build(dict(shape, **options)).eval()
        maps = torch.randn(3, 4, 7, 7)
        wanted = head(maps)
        hold_weights(nn.ModuleList([head]), torch.float32)
        for found, truth in zip(head(maps), wanted, strict=True):
            torch.testing.assert_close(found, truth, rtol=0, atol=0)
