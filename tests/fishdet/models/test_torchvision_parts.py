"""Parts that compute what torchvision's do, against torchvision's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import MODELS, TASK_UTILS, TRANSFORMS
from mmengine.config import ConfigDict
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops.poolers import LevelMapper

import fishdet.registered  # noqa: F401
from fishdet.checkpoint.torchvision import torchvision_config

MODEL = torchvision_config("v1", 2)["model"]


@pytest.mark.parametrize("size", [(800, 1344), (160, 224), (832, 576), (64, 64)])
def test_anchors_follow_the_padded_picture(size: tuple[int, int]) -> None:
    maps = [torch.zeros(1, 1, -(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32, 64)]
    theirs = AnchorGenerator(tuple((s,) for s in (32, 64, 128, 256, 512)), ((0.5, 1.0, 2.0),) * 5)(
        ImageList(torch.zeros(1, 3, *size), [size]), maps
    )[0]
    ours = TASK_UTILS.build(MODEL["rpn_head"]["anchor_generator"]).grid_priors(
        [m.shape[-2:] for m in maps], device="cpu"
    )
    assert torch.equal(torch.cat(ours), theirs)


def test_the_coarsest_anchors_of_a_picture_800_high_lie_61_apart() -> None:
    generator = TASK_UTILS.build(MODEL["rpn_head"]["anchor_generator"])
    sizes = [(200, 336), (100, 168), (50, 84), (25, 42), (13, 21)]
    coarse = generator.grid_priors(sizes, device="cpu")[-1].view(13, 21, 3, 4)
    assert (coarse[1, 0, 0, 1] - coarse[0, 0, 0, 1]).item() == 61
    assert (coarse[0, 1, 0, 0] - coarse[0, 0, 0, 0]).item() == 64


def test_boxes_may_shrink_without_bound_and_grow_with_one() -> None:
    coder = TASK_UTILS.build(MODEL["roi_head"]["bbox_head"]["bbox_coder"])
    boxes = torch.tensor([[0.0, 0.0, 64.0, 32.0]]).repeat(3, 1)
    deltas = torch.tensor([[0.0, 0.0, -30.0, -40.0], [1.0, -1.0, 40.0, 2.0], [0.5, 0, 0, 0]])
    theirs = BoxCoder((10.0, 10.0, 5.0, 5.0)).decode_single(deltas, boxes)
    ours = coder.decode(boxes, deltas)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    assert (ours[0, 2] - ours[0, 0]).item() == pytest.approx(64 * math.exp(-6), rel=1e-3)
    assert (ours[1, 2] - ours[1, 0]).item() == pytest.approx(64 * 1000 / 16, rel=1e-5)


@given(st.floats(1, 2000), st.floats(-3e-6, 3e-6))
@settings(max_examples=50, deadline=None)
def test_rois_go_to_the_same_level(side: float, short: float) -> None:
    extractor = MODELS.build(MODEL["roi_head"]["bbox_roi_extractor"])
    sides = torch.tensor([side, 112 * (1 + short), 224 * (1 + short), 448 * (1 + short), 0.0])
    boxes = torch.stack([sides * 0, sides * 0, sides, sides], dim=1)
    ours = extractor.map_roi_levels(torch.cat([sides[:, None] * 0, boxes], dim=1), 4)
    assert torch.equal(ours, LevelMapper(2, 5)([boxes]))


@given(st.integers(20, 900), st.integers(20, 900))
@settings(max_examples=30, deadline=None)
def test_pictures_get_the_same_size_and_pixels(height: int, width: int) -> None:
    image = np.random.default_rng(height).integers(0, 255, (height, width, 3)).astype(np.float32)
    resize = TRANSFORMS.build(dict(type="TorchvisionResize", scale=(133, 80), keep_ratio=True))
    found = resize({"img": image.astype(np.float64)})
    theirs = GeneralizedRCNNTransform(80, 133, [0.0] * 3, [1.0] * 3).eval()
    wanted, _ = theirs.resize(torch.from_numpy(image).permute(2, 0, 1).double())
    assert found["img_shape"] == tuple(wanted.shape[1:])
    gap = np.abs(found["img"] - wanted.permute(1, 2, 0).numpy())
    assert gap.max() < 1e-3


def test_boxes_without_extent_are_no_detections() -> None:
    """The second RoI's box lies left of the picture, and is cut to nothing."""
    head = MODELS.build(MODEL["roi_head"]["bbox_head"])
    roi = torch.tensor([[0.0, 10, 10, 50, 50], [0.0, 10, 10, 50, 50]])
    scores = torch.tensor([[2.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    deltas = torch.zeros(2, 8)
    deltas[1, [0, 4]] = -20.0
    found = head._predict_by_feat_single(
        roi, scores, deltas, dict(img_shape=(100, 100), scale_factor=(2.0, 2.0)), True,
        ConfigDict(MODEL["test_cfg"]["rcnn"]),
    )  # fmt: skip
    assert found.bboxes.tolist() == [[5.0, 5.0, 25.0, 25.0]] * 2
    assert sorted(found.labels.tolist()) == [0, 1]


def test_nms_goes_class_by_class_on_the_boxes_as_they_are() -> None:
    """Two settings of mmcv's NMS that only together do so; mmcv may change."""
    from mmcv.ops import batched_nms

    rcnn = ConfigDict(MODEL["test_cfg"]["rcnn"])
    boxes = torch.tensor([[0.0, 0, 10, 10], [0.0, 0, 10, 9], [0.0, 0, 10, 8]])
    _, kept = batched_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 1, 0]), rcnn.nms)
    assert kept.tolist() == [0, 1]
