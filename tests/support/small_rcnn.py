"""A Faster R-CNN small enough for tests, with random weights whose scores spread."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.runner import save_checkpoint
from torch import nn

from fishdet.checkpoint.papers import checkpoint_papers

CLASSES = ("eel", "mackerel", "salmon")
CONFIG = """
_base_ = ['mmdet::_base_/models/faster-rcnn_r50_fpn.py',
          'mmdet::_base_/datasets/coco_detection.py', 'mmdet::_base_/default_runtime.py']
model = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(bbox_roi_extractor=dict(out_channels=16),
                  bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=3)),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=120)))
pipeline = [
    dict(type='LoadImageFromFile', backend_args=None),
    dict(type='Resize', scale=(160, 128), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs',
         meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]
test_dataloader = dict(dataset=dict(
    metainfo=dict(classes=('eel', 'mackerel', 'salmon')), pipeline=pipeline))
"""


def save_small_rcnn(folder: Path, agnostic: bool = False, extra: str = "") -> Path:
    """Save it as mmengine saves, with ``extra`` lines of config; return the checkpoint."""
    (folder / "config.py").write_text(CONFIG + extra)
    cfg = Config.fromfile(folder / "config.py")
    if agnostic:
        cfg.model.roi_head.bbox_head.reg_class_agnostic = True
    model = random_model(cfg.model)
    papers = checkpoint_papers(cfg, {"classes": CLASSES, "train": {"sha256": "0" * 64}})
    meta = {"fishdet": papers, "dataset_meta": {"classes": CLASSES}}
    save_checkpoint({"meta": meta, "state_dict": model.state_dict()}, str(folder / "model.pth"))
    return folder / "model.pth"


def random_model(config: ConfigDict) -> nn.Module:
    """Build it; its heads are scaled up so that scores spread instead of tying."""
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    model = MODELS.build(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "fc_cls" in name or "rpn_cls" in name or "fc_reg" in name or "rpn_reg" in name:
                parameter.normal_(0, 0.5)
    return model


def busy_picture(height: int = 150, width: int = 200) -> np.ndarray:
    """Ellipses on dark water, uint8 BGR."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    for _ in range(8):
        centre = [int(rng.integers(width)), int(rng.integers(height))]
        colour = [int(value) for value in rng.integers(60, 255, 3)]
        cv2.ellipse(image, centre, (30, 12), int(rng.integers(180)), 0, 360, colour, -1)
    return image
