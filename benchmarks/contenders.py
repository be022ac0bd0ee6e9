"""Faster R-CNN R50-FPN with one set of weights, as each contender builds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from side_by_side import randomise
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

import fishdet.registered  # noqa: F401  (mmcv's operators; before mmdet)
from fishdet.checkpoint.torchvision import to_torchvision_state
from fishdet.config import load_config, set_img_scale, set_num_classes

STOCK = "mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"
OURS = Path(__file__).parent.parent / "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"


def stock_config(classes: int, proposals: int) -> Any:
    """Return MMDetection's own model; of RoIAlign torchvision's compiled kernel."""
    register_all_modules(init_default_scope=True)
    cfg = Config.fromstring(f"_base_ = {STOCK!r}\n", ".py")
    set_num_classes(cfg, classes)
    cfg.model.backbone.init_cfg = None
    cfg.model.test_cfg.rpn.update(nms_pre=proposals, max_per_img=proposals)
    cfg.model.roi_head.bbox_roi_extractor.roi_layer.use_torchvision = True
    return cfg.model


def ours_config(classes: int, proposals: int, height: int, width: int) -> Config:
    """Return the shipped config of the same network."""
    cfg = load_config(OURS)
    cfg.model.backbone.init_cfg = None
    set_num_classes(cfg, classes)
    set_img_scale(cfg, (width, height))
    cfg.model.test_cfg.rpn.update(nms_pre=proposals, max_per_img=proposals)
    return cfg


def stock_model(classes: int, proposals: int, train: bool = False, finetune: bool = False) -> Any:
    """Return it built, with random weights whose scores spread; training trains all layers.

    ``finetune``: stem and first stage frozen, statistics of BatchNorm fixed, as MMDetection's
    configs have it for pretrained weights.
    """
    torch.manual_seed(0)  # the same weights in every process
    cfg = stock_config(classes, proposals)
    if train and not finetune:
        cfg.backbone.update(frozen_stages=-1, norm_eval=False)
    model = MODELS.build(cfg)
    randomise(model)
    return model.train(train)


def torchvision_model(
    stock: Any, classes: int, size: tuple[int, int], proposals: int, finetune: bool = False
) -> Any:
    """Return torchvision's own detector with the weights of ``stock``; ``size`` (height, width).

    ``finetune``: as ``fasterrcnn_resnet50_fpn`` is built for pretrained weights, with
    ``FrozenBatchNorm2d`` and three trained layers.
    """
    sizes = dict(
        num_classes=classes + 1, min_size=min(size), max_size=max(size),
        rpn_pre_nms_top_n_test=proposals, rpn_post_nms_top_n_test=proposals,
    )  # fmt: skip
    if finetune:
        backbone = resnet_fpn_backbone(
            backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=3
        )
        model = FasterRCNN(backbone, **sizes)
    else:
        model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, **sizes)
    model.load_state_dict(to_torchvision_state(stock.state_dict()), strict=False)
    return model.eval()


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a picture, uint8 BGR: soft blobs in which the random network finds dozens of boxes."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def stock_batch(pictures: list[np.ndarray]) -> dict[str, Any]:
    """Return pictures as MMDetection's pipeline packs them."""
    samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=p.shape[:2], ori_shape=p.shape[:2], pad_shape=p.shape[:2],
                scale_factor=(1.0, 1.0), img_id=0,
            )
        )
        for p in pictures
    ]  # fmt: skip
    inputs = [torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1))) for p in pictures]
    return {"inputs": inputs, "data_samples": samples}


def torchvision_batch(pictures: list[np.ndarray]) -> list[torch.Tensor]:
    """Return pictures as torchvision's users hand them over: RGB, 0 to 1."""
    rgb = [np.ascontiguousarray(p[..., ::-1].transpose(2, 0, 1)) for p in pictures]
    return [torch.from_numpy(p).float() / 255 for p in rgb]
