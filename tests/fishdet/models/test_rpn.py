"""An RPN that is arranged for speed proposes and learns as mmdet's does."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.structures import InstanceData
from small_detectors import lively, small_config

from fishdet.inference.held import hold_weights
from fishdet.models.last_layers import predict_in_full
from fishdet.models.rpn import arrange_rpn
from tvops.sparse_gradient import SparseGradientConv2d


def detector(kind: str):
    register_all_modules(init_default_scope=False)
    cfg = small_config(kind)
    model = MODELS.build(cfg.model)
    lively(model)
    return cfg, model


def batch():
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 256, (3, 96, 128), generator=generator, dtype=torch.uint8)
    meta = dict(img_shape=(96, 128), ori_shape=(96, 128), pad_shape=(96, 128), img_id=0,
                scale_factor=(1.0, 1.0))  # fmt: skip
    sample = DetDataSample(metainfo=meta)
    boxes = torch.tensor([[10.0, 12.0, 60.0, 50.0], [70.0, 30.0, 120.0, 90.0]])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.tensor([0, 2]))
    return {"inputs": [picture], "data_samples": [sample]}


def learned(model):
    """Loss and gradients of one step with the same random samples."""
    torch.manual_seed(0)
    np.random.seed(0)
    model.train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    loss, _ = model.parse_losses(losses)
    loss.backward()
    return loss, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("kind", ["faster", "cascade"])
def test_it_learns_as_before(kind: str) -> None:
    cfg, plain = detector(kind)
    _, fast = detector(kind)
    fast.load_state_dict(plain.state_dict())
    written = cfg.pretty_text
    arrange_rpn(fast, training=True)
    assert isinstance(fast.rpn_head.rpn_conv, SparseGradientConv2d)
    assert cfg.pretty_text == written
    wanted, truth = learned(plain)
    loss, gradients = learned(fast)
    torch.testing.assert_close(loss, wanted)
    assert gradients.keys() == truth.keys()
    for name, one in truth.items():
        torch.testing.assert_close(gradients[name], one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("most", [1, 30, 1000])
@pytest.mark.parametrize("nms_pre", [-1, 40, 10_000])
def test_it_proposes_as_before(nms_pre: int, most: int) -> None:
    _, plain = detector("faster")
    _, fast = detector("faster")
    fast.load_state_dict(plain.state_dict())
    arrange_rpn(fast, training=False)
    for model in (plain, fast):  # after the arrangement, as a user who asks for fewer does
        model.rpn_head.test_cfg.update(nms_pre=nms_pre, max_per_img=most)
    assert type(fast.rpn_head.rpn_conv) is torch.nn.Conv2d
    found = []
    for model in (plain.eval(), fast.eval()):
        with torch.inference_mode():
            data = model.data_preprocessor(batch(), False)
            features = model.extract_feat(data["inputs"])
            found.append(model.rpn_head.predict(features, data["data_samples"])[0])
    assert len(found[0]) == most if most <= 30 else len(found[0]) > 30
    torch.testing.assert_close(found[0].bboxes, found[1].bboxes)
    torch.testing.assert_close(found[0].scores, found[1].scores)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("holds", [True, False])
def test_last_layers_read_features_as_one_unless_somebody_looks(dtype, holds: bool) -> None:
    _, model = detector("faster")
    arrange_rpn(model.eval(), training=False)
    predict_in_full(model)
    if holds:
        hold_weights(model, dtype)
    head, seen = model.rpn_head, []
    features = torch.randn(2, head.in_channels, 12, 16).to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        with mock.patch.object(head.rpn_cls, "forward", side_effect=AssertionError):
            found = head.forward_single(features)
        hook = head.rpn_reg.register_forward_hook(lambda *_: seen.append(1))
        wanted = head.forward_single(features)
        hook.remove()
    assert seen == [1]
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_what_has_no_rpn_stays() -> None:
    arrange_rpn(torch.nn.Linear(2, 2), training=True)
