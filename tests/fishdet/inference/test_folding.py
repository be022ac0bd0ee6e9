"""Folding changes no answer, and leaves alone what it would change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chains import Net
from small_detectors import KINDS, lively, small_config
from torch import nn

from fishdet.inference.folding import fold_batch_norms
from fishdet.inference.suppression import best_boxes


def norm(channels: int) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(channels)
    made.running_mean.normal_()
    made.running_var.uniform_(0.5, 2)
    nn.init.uniform_(made.weight, 0.5, 2)
    nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("bias", [True, False])
def test_the_folded_network_answers_as_before(bias: bool) -> None:
    net = Net(
        nn.Conv2d(3, 6, 3, bias=bias), norm(6), nn.ReLU(), nn.Conv2d(6, 4, 1, groups=2), norm(4)
    )
    net.eval()
    picture = torch.randn(2, 3, 20, 20)
    before = net.backbone(picture)[0]
    assert fold_batch_norms(net) == 2
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    torch.testing.assert_close(net.backbone(picture)[0], before, rtol=1e-4, atol=1e-5)


def test_a_norm_that_comes_before_its_convolution_stays() -> None:
    net = Net(nn.Conv2d(3, 3, 3), norm(3), order=(1, 0)).eval()
    assert fold_batch_norms(net) == 0
    assert isinstance(net.backbone.parts[1], nn.BatchNorm2d)


def test_two_norms_of_one_convolution_get_one_each() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    net = Net(nn.Sequential(conv, norm(3)), nn.Sequential(conv, norm(3))).eval()
    picture = torch.randn(1, 3, 16, 16)
    before = net.backbone(picture)[0]
    assert fold_batch_norms(net) == 2
    torch.testing.assert_close(net.backbone(picture)[0], before, rtol=1e-4, atol=1e-5)


def test_norms_in_training_stay() -> None:
    assert fold_batch_norms(Net(nn.Conv2d(3, 3, 3), norm(3)).train()) == 0


def test_suppression_equals_mmdets() -> None:
    from mmdet.models.layers import multiclass_nms

    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(200, 5, 2, generator=generator) * 100
    boxes = torch.cat([corner, corner + 10 + torch.rand(200, 5, 2, generator=generator) * 60], -1)
    scores = torch.rand(200, 6, generator=generator)
    for flat in (boxes.flatten(1), boxes[:, 0]):
        for limit in (30, -1):
            settings = (0.3, {"type": "nms", "iou_threshold": 0.5}, limit)
            kept, labels, rows = multiclass_nms(flat, scores, *settings, return_inds=True)
            found = best_boxes(flat, scores, *settings)
            assert len(found[0]) == len(kept) > 20
            torch.testing.assert_close(found[0], kept[:, :4])
            torch.testing.assert_close(found[1], kept[:, 4])
            assert torch.equal(found[2], labels)
            assert torch.equal(found[3], rows[: len(kept)] // 5)


def test_suppression_of_nothing() -> None:
    settings = (0.5, {"type": "nms", "iou_threshold": 0.5}, 10)
    found = best_boxes(torch.zeros(4, 8), torch.zeros(4, 3), *settings)
    assert [len(part) for part in found] == [0, 0, 0, 0]
    assert found[0].shape == (0, 4)


def test_soft_suppression_takes_mmdets_way() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9]])
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    settings = (0.1, {"type": "soft_nms", "iou_threshold": 0.3, "min_score": 1e-3}, 10)
    _, found, _, rows = best_boxes(boxes, scores, *settings)
    assert rows.tolist() == [0, 1] and found[1] < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_detector_answers_as_before(kind: str) -> None:
    from mmdet.registry import MODELS
    from mmengine.model import revert_sync_batchnorm

    model = MODELS.build(small_config(kind).model)
    lively(model)
    model = revert_sync_batchnorm(model).eval()  # as for every prediction; RTMDet has such
    picture = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        before = model.extract_feat(picture)
        folded = fold_batch_norms(model)
        after = model.extract_feat(picture)
    assert folded > 0
    for one, other in zip(before, after, strict=True):
        assert np.allclose(one, other, rtol=1e-3, atol=1e-4)
