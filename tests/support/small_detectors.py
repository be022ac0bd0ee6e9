"""Detectors of every kind that exports, small enough for tests, with weights that find boxes."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

CLASSES = ("salmon", "eel", "mackerel")
_RESNET = dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None)
_NECK = dict(in_channels=[8, 16, 32, 64], out_channels=16)
_RPN = dict(in_channels=16, feat_channels=16)
_BOX = dict(in_channels=16, fc_out_channels=32, num_classes=len(CLASSES))
_EXTRACTOR = dict(out_channels=16)
_DENSE = dict(in_channels=16, feat_channels=16, stacked_convs=1, num_classes=len(CLASSES))
_PIPELINE = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(128, 128), keep_ratio=True),
    dict(type="PackDetInputs"),
]
_PADDED = [
    *_PIPELINE[:2],
    dict(type="Pad", size=(128, 128), pad_val=dict(img=(114, 114, 114))),
    _PIPELINE[2],
]


def _two_stage(**box: Any) -> dict[str, Any]:
    head = dict(bbox_roi_extractor=_EXTRACTOR, bbox_head=dict(_BOX, **box))
    return dict(backbone=_RESNET, neck=_NECK, rpn_head=_RPN, roi_head=head)


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "faster": ("mmdet::_base_/models/faster-rcnn_r50_fpn.py", _two_stage()),
    "agnostic": (
        "mmdet::_base_/models/faster-rcnn_r50_fpn.py",
        _two_stage(reg_class_agnostic=True),
    ),
    "lite0": (
        "mmdet::_base_/models/faster-rcnn_r50_fpn.py",
        dict(
            _two_stage(),
            backbone=dict(
                _delete_=True, type="TimmBackbone", model_name="tf_efficientnet_lite0",
                out_indices=(1, 2, 3, 4),
            ),
            neck=dict(in_channels=[24, 40, 112, 320], out_channels=16),
        ),
    ),
    "cascade": (
        "mmdet::_base_/models/cascade-rcnn_r50_fpn.py",
        dict(
            backbone=_RESNET, neck=_NECK, rpn_head=_RPN,
            roi_head=dict(
                bbox_roi_extractor=_EXTRACTOR,
                bbox_head=[
                    dict(
                        type="Shared2FCBBoxHead", roi_feat_size=7, reg_class_agnostic=True, **_BOX,
                        bbox_coder=dict(
                            type="DeltaXYWHBBoxCoder", target_means=[0.0] * 4,
                            target_stds=[0.1 / k, 0.1 / k, 0.2 / k, 0.2 / k],
                        ),
                        loss_cls=dict(type="CrossEntropyLoss"), loss_bbox=dict(type="SmoothL1Loss"),
                    )
                    for k in (1, 2, 3)
                ],
            ),
        ),
    ),
    "retinanet": (
        "mmdet::_base_/models/retinanet_r50_fpn.py",
        dict(backbone=_RESNET, neck=_NECK, bbox_head=_DENSE),
    ),
    "fcos": (
        "mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py",
        dict(
            backbone=_RESNET, neck=_NECK,
            bbox_head=dict(_DENSE, norm_cfg=dict(type="GN", num_groups=4)),
        ),
    ),
    "atss": (
        "mmdet::atss/atss_r50_fpn_1x_coco.py",
        dict(
            backbone=_RESNET, neck=_NECK,
            bbox_head=dict(_DENSE, norm_cfg=dict(type="GN", num_groups=4)),
        ),
    ),
    "rtmdet": (
        "mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py",
        dict(
            backbone=dict(deepen_factor=0.17, widen_factor=0.125, init_cfg=None),
            neck=dict(in_channels=[32, 64, 128], out_channels=16, num_csp_blocks=1),
            bbox_head=dict(_DENSE, stacked_convs=2),
        ),
    ),
}  # fmt: skip


def small_config(kind: str) -> Config:
    """The model of a kind with the smallest parts that it has, on pictures of 128 px."""
    base, changes = KINDS[kind]
    model = f"_base_ = {base!r}\nmodel = {changes!r}\n"
    cfg = Config.fromstring(model, ".py")
    cfg.test_dataloader = dict(
        dataset=dict(
            metainfo=dict(classes=CLASSES),
            pipeline=_PADDED if kind == "rtmdet" else _PIPELINE,
        )
    )
    return cfg


@torch.no_grad()
def lively(model: Any, seed: int = 0) -> None:
    """Give a network random weights that find dozens of boxes of every class, spread in score.

    Each layer is scaled to unit spread at its first use (LSUV, Mishkin and Matas 2016,
    https://arxiv.org/abs/1511.06422), those that move boxes to a fifth of it.
    """
    generator = torch.Generator().manual_seed(seed)
    hooks, seen = [], set()
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            continue
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()
        moves = name.rpartition("bbox_head.")[2].startswith(("fc_reg", "rtm_reg")) or "_reg" in name

        # RTMDet's levels share layers and differ in size: the largest would saturate.
        names = 0.05 if "rtm_cls" in name else 0.5 if "_cls" in name else 1.0

        def scaled(
            layer: Any, _: Any, output: torch.Tensor,
            wanted: float = 0.2 if moves else names,
        ) -> torch.Tensor:  # fmt: skip
            if layer in seen:
                return output
            seen.add(layer)
            factor = wanted / output.std()
            layer.weight.mul_(factor)
            return output * factor

        hooks.append(layer.register_forward_hook(scaled))
    sample = DetDataSample(metainfo=dict(img_shape=(128, 128), scale_factor=(1.0, 1.0)))
    model.eval()(torch.randn(1, 3, 128, 128, generator=generator), [sample], mode="predict")
    for hook in hooks:
        hook.remove()
