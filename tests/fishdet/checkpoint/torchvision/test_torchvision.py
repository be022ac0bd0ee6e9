"""torchvision's Faster R-CNN and mmdet's on the same weights: proposals, scores, boxes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from fishdet.checkpoint.torchvision import (
    to_mmdet_state,
    to_torchvision,
    to_torchvision_state,
    torchvision_config,
)
from fishdet.checkpoint.torchvision.comparison import (
    as_tensor,
    gaps,
    mmdet_input,
    mmdet_stages,
    torchvision_stages,
)
from fishdet.checkpoint.torchvision.spec import torchvision_spec
from fishdet.config import load_config
from fishdet.errors import FishdetError

ROOT = Path(__file__).resolve().parents[4]
TOLERANCE = 1e-4
Pair = tuple[nn.Module, Config, nn.Module]


def pictures(folder: Path) -> Iterator[np.ndarray]:
    """Real ones, cut to different sizes and shapes."""
    paths = sorted((folder / "aquarium" / "images").glob("*.jpg"))
    for path, size in zip(paths[::60], ((640, 479), (250, 333), (192, 128)), strict=False):
        yield cv2.resize(cv2.imread(str(path)), size)


def test_weights_come_back_bit_for_bit(pair: Pair) -> None:
    theirs, _, ours = pair
    state = ours.state_dict()
    there = to_torchvision_state(state)
    back = to_mmdet_state(there)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)
    original = theirs.state_dict()
    unread = [name for name in original if not torch.equal(original[name], there[name])]
    assert there.keys() == original.keys()
    assert {name.rpartition(".")[0] for name in unread} == {"roi_heads.box_predictor.bbox_pred"}
    for name in unread:
        assert torch.equal(original[name][4:], there[name][4:]), "only the background's may differ"


def test_both_detect_the_same_there_and_back(
    pair: Pair, fishdet_data: Path, save_model: Callable
) -> None:
    """v1 and v2 in float64: torchvision's own, the mmdet model made of it, and one made of that."""
    theirs, cfg, ours = pair
    back = to_torchvision(save_model(cfg, ours.float())).module.double()
    theirs, ours = theirs.double(), ours.double()
    for image in pictures(fishdet_data):
        expected = torchvision_stages(theirs, image)
        assert_equal(mmdet_stages(cfg, ours, image), expected)
        assert_equal(torchvision_stages(back, image), expected)


def test_in_float32_rounding_alone_differs(pair: Pair, fishdet_data: Path) -> None:
    """From one input and in one layout of memory what is ours agrees in float32 too.

    To 1e-4, and boxes to a millionth of the picture's side, eight steps of float32. Another layout
    adds convolutions up in another order, and moves torchvision's own boxes by more than that:
    docs/torchvision.md.
    """
    theirs, cfg, ours = pair
    theirs, ours = theirs.float(), ours.float()
    laid_out: Any = copy.deepcopy(ours).to(memory_format=torch.contiguous_format)
    pooling = laid_out.roi_head.bbox_roi_extractor
    pooling.register_forward_hook(lambda module, given, pooled: pooled.contiguous())
    for image in list(pictures(fishdet_data))[:1]:
        expected = torchvision_stages(theirs, image)
        found = gaps(mmdet_stages(cfg, laid_out, image, expected["input"]), expected)
        assert found.pop("boxes") <= 1e-6 * max(image.shape), found
        assert max(found.values()) <= TOLERANCE, found
        rounded = gaps(mmdet_stages(cfg, ours, image), expected)
        assert max(rounded.values()) <= 20 * TOLERANCE, rounded


def test_the_shipped_config_is_the_one_for_the_coco_weights() -> None:
    shipped = load_config(
        ROOT / "configs/faster_rcnn/faster-rcnn_r50_fpn_coco-pretrained_1x_fish.py"
    )
    model = shipped.model.to_dict()
    assert model["backbone"].pop("init_cfg") is None
    model.pop("_scope_")
    assert model == torchvision_config("v1", 80, bn_eps=0.0)["model"]
    assert shipped.load_from == "torchvision://fasterrcnn_resnet50_fpn"


def test_names_of_old_files_are_understood() -> None:
    state = {name: torch.zeros(4 * 3, 1) for name in (
        "backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.weight",
        "backbone.fpn.layer_blocks.3.bias", "rpn.head.conv.weight", "rpn.head.cls_logits.weight",
        "roi_heads.box_head.fc6.weight", "roi_heads.box_head.fc7.weight",
        "roi_heads.box_predictor.bbox_pred.weight",
    )}  # fmt: skip
    state["roi_heads.box_predictor.cls_score.weight"] = torch.arange(3.0)[:, None]
    found = to_mmdet_state(state)
    assert {"neck.lateral_convs.0.conv.weight", "neck.fpn_convs.3.conv.bias",
            "rpn_head.rpn_conv.weight", "backbone.conv1.weight"} <= set(found)  # fmt: skip
    assert found["roi_head.bbox_head.fc_cls.weight"].flatten().tolist() == [1, 2, 0]
    assert found["roi_head.bbox_head.fc_reg.weight"].shape == (8, 1)


@pytest.mark.parametrize("extra", ["roi_heads.mask_head.mask_fcn1.weight", "backbone.other.weight"])
def test_weights_of_another_model_are_named(extra: str) -> None:
    state = {
        "rpn.head.conv.0.0.weight": torch.zeros(1), "roi_heads.box_head.fc6.weight": torch.zeros(1),
        "roi_heads.box_head.fc7.weight": torch.zeros(1), extra: torch.zeros(1),
    }  # fmt: skip
    with pytest.raises(FishdetError, match=extra):
        to_mmdet_state(state)


@pytest.mark.parametrize(
    "config", ["configs/fish.py", "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"]
)
def test_a_fish_model_detects_the_same_in_torchvision(
    config: str,
    fishdet_data: Path,
    make_fish_model: Callable,
    save_model: Callable,
) -> None:
    """Pictures of the network's own size here; see the next test for sizing."""
    cfg, model = make_fish_model(config)
    exported = to_torchvision(save_model(cfg, model))
    assert exported.classes == tuple(cfg.test_dataloader.dataset.metainfo.classes)
    side = min(cfg.test_dataloader.dataset.pipeline[1].scale)
    if side > 256:
        cfg.test_dataloader.dataset.pipeline[1].scale = (192, 128)
        exported.module.transform.min_size, exported.module.transform.max_size = (128,), 192
    theirs, ours = exported.module.double(), model.double()
    for image in pictures(fishdet_data):
        scale = cfg.test_dataloader.dataset.pipeline[1].scale
        factor = min(max(scale) / max(image.shape[:2]), min(scale) / min(image.shape[:2]))
        image = cv2.resize(image, None, fx=factor, fy=factor)
        expected, found = mmdet_stages(cfg, ours, image), torchvision_stages(theirs, image)
        assert_equal(found, expected)


def test_an_exported_model_sizes_pictures_as_opencv_does(
    fishdet_data: Path, make_fish_model: Callable, save_model: Callable
) -> None:
    """In whole numbers of 255; where OpenCV enlarges, one pixel in some hundreds differs by one."""
    cfg, model = make_fish_model("configs/fish.py")
    exported = to_torchvision(save_model(cfg, model))
    level = 1 / 255 / 0.224
    for image in pictures(fishdet_data):
        found = exported.module.transform([as_tensor(image)])[0].tensors
        wanted = mmdet_input(cfg, model, image)["inputs"]
        assert found.shape == wanted.shape
        gap = (found - wanted).abs()
        assert gap.max() <= 1.01 * level
        assert (gap > 0.5 * level).float().mean() < 0.01


def test_what_torchvision_has_not_is_listed(make_fish_model: Callable) -> None:
    cfg, model = make_fish_model("configs/fish.py")
    model.roi_head.test_cfg.nms.type = "soft_nms"
    model.backbone.style = "caffe"
    pipeline = [dict(type="Resize", scale=(9, 9)), dict(type="Pad", size_divisor=32)]
    with pytest.raises(FishdetError, match="(?s)backbone.style: caffe.*soft_nms.*pipeline: Pad"):
        torchvision_spec(model, pipeline)


def test_another_backbone_is_refused() -> None:
    cfg = load_config(ROOT / "configs/faster_rcnn/faster-rcnn_effnet-lite0_fpn_1x_fish.py")
    cfg.model.backbone.weights = "none"
    model = MODELS.build(cfg.model)
    with pytest.raises(FishdetError, match="backbone: TimmBackbone"):
        torchvision_spec(model, cfg.test_dataloader.dataset.pipeline)


def assert_equal(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Compare all stages; pixels for boxes, shares of one for scores."""
    assert len(expected["boxes"]) > 10
    found_gaps = gaps(found, expected)
    assert max(found_gaps.values()) <= TOLERANCE, found_gaps
