"""Ignored boxes punish nobody in training: by hand, and through the whole detector."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

from fishdet.models import IgnoreRegionAssigner

RPN = {"pos_iou_thr": 0.7, "neg_iou_thr": 0.3, "min_pos_iou": 0.3}
CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def _instances(**columns):
    data = InstanceData()
    for name, values in columns.items():
        kind = torch.long if name == "labels" else torch.float32
        shape = (-1,) if name == "labels" else (-1, 4)
        data[name] = torch.tensor(values, dtype=kind).reshape(shape)
    return data


def _assign(assigner, priors, boxes, ignored):
    counted = _instances(bboxes=boxes, labels=[0] * len(boxes))
    regions = None if ignored is None else _instances(bboxes=ignored)
    return assigner.assign(_instances(priors=priors), counted, regions).gt_inds.tolist()


PRIORS = [
    [0, 0, 10, 10],  # on the counted box
    [50, 50, 60, 60],  # inside the ignored region
    [45, 50, 55, 60],  # half of it inside, which is not more than half
    [80, 0, 90, 10],  # in open water
    [40, 40, 100, 100],  # 44 % inside, IoU 0.44 with the region
]
REGION = [[50, 50, 90, 90]]


def test_priors_in_ignored_regions_are_not_used():
    assigner = IgnoreRegionAssigner(**RPN)
    assert _assign(assigner, PRIORS, [[0, 0, 10, 10]], REGION) == [1, -1, 0, 0, -1]
    assert _assign(assigner, PRIORS, [[0, 0, 10, 10]], None) == [1, 0, 0, 0, 0]


def test_a_picture_with_ignored_boxes_alone_gives_no_background_there():
    assert _assign(IgnoreRegionAssigner(**RPN), PRIORS, [], REGION) == [0, -1, 0, 0, -1]
    stock = MaxIoUAssigner(**RPN, ignore_iof_thr=0.5)
    assert _assign(stock, PRIORS, [], REGION) == [0] * 5  # the hole that we close


def test_a_counted_box_inside_an_ignored_region_keeps_its_positive():
    boxes = [[50, 50, 60, 60]]
    assert _assign(IgnoreRegionAssigner(**RPN), PRIORS, boxes, REGION)[1] == 1
    assert _assign(MaxIoUAssigner(**RPN, ignore_iof_thr=0.5), PRIORS, boxes, REGION)[1] == -1


BOXES = st.lists(
    st.tuples(*[st.integers(0, 90)] * 2, *[st.integers(1, 60)] * 2).map(
        lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
    ),
    max_size=5,
)


@given(priors=BOXES, boxes=BOXES, ignored=BOXES)
@settings(max_examples=60, deadline=None)
def test_only_background_changes(priors, boxes, ignored):
    """Against mmdet's assigner without regions: equal but for background, which may be left out."""
    before = _assign(MaxIoUAssigner(**RPN), priors, boxes, None)
    after = _assign(IgnoreRegionAssigner(**RPN), priors, boxes, ignored)
    for old, new in zip(before, after, strict=True):
        assert new == old or (old, new) == (0, -1)
    if not ignored:
        assert after == before


@pytest.fixture(scope="module")
def detector_config(tiny_config):
    return Config.fromfile(tiny_config).model


def _losses(config, counted, ignored, **assigner):
    """Losses of one picture, the same weights and features each time."""
    torch.manual_seed(0)
    config = copy.deepcopy(config)
    for stage in ("rpn", "rcnn"):
        config.train_cfg[stage].assigner.update(assigner)
    model = MODELS.build(config).train()
    sample = DetDataSample(
        metainfo={"img_shape": (64, 64), "pad_shape": (64, 64), "scale_factor": (1.0, 1.0)}
    )
    sample.gt_instances = _instances(bboxes=counted, labels=[0] * len(counted))
    sample.ignored_instances = _instances(bboxes=ignored, labels=[0] * len(ignored))
    total, losses = model.parse_losses(model.loss(torch.rand(1, 3, 64, 64), [sample]))
    total.backward()
    steepest = max(p.grad.abs().max().item() for p in model.parameters() if p.grad is not None)
    named = {name: value.item() for name, value in losses.items() if "loss" in name}
    return named | {"steepest gradient": steepest}


def test_nothing_is_learnt_from_an_ignored_picture(detector_config):
    """A region over all: no prior is background, and the loss is zero and finite."""
    everywhere = [[-500, -500, 1000, 1000]]
    losses = _losses(detector_config, [], everywhere)
    assert set(losses.values()) == {0.0}, losses
    stock = _losses(detector_config, [], everywhere, type="MaxIoUAssigner")
    assert stock["loss_rpn_cls"] > 0.1


@pytest.mark.parametrize(
    "leaf", sorted(path.name for path in (CONFIGS / "faster_rcnn").glob("*.py")) + ["fish.py"]
)
def test_every_config_leaves_ignored_regions_alone(leaf):
    path = CONFIGS / leaf if leaf == "fish.py" else CONFIGS / "faster_rcnn" / leaf
    cfg = Config.fromfile(path).model.train_cfg
    for stage in (cfg.rpn, cfg.rcnn):
        assert stage.assigner.type == "IgnoreRegionAssigner"
        assert stage.assigner.ignore_iof_thr == 0.5
