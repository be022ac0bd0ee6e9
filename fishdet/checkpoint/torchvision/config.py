"""The mmdet config that computes what torchvision's Faster R-CNN R50-FPN computes.

Read in torchvision 0.29.1 (models/detection/faster_rcnn.py, rpn.py, roi_heads.py, transform.py,
anchor_utils.py; https://github.com/pytorch/vision/tree/main/torchvision/models/detection,
2026-11-25) and in mmdet 3.5.1. What mmdet's own parts can be set to is set here; the rest is in
``fishdet.models.torchvision_parts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fishdet.errors import FishdetError

VERSIONS = ("v1", "v2")
IMG_SCALE = (1333, 800)
META_KEYS = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")


def torchvision_config(
    version: str,
    num_classes: int,
    *,
    bn_eps: float = 1e-5,
    img_scale: tuple[int, int] = IMG_SCALE,
    classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return ``model`` and ``test_dataloader.dataset`` of a config.

    Args:
        version: 'v1' (``fasterrcnn_resnet50_fpn``) or 'v2' (``fasterrcnn_resnet50_fpn_v2``).
        num_classes: without the background.
        bn_eps: of the backbone's batch norms; torchvision sets 0 where it loads its COCO weights
            of v1, and 1e-5 everywhere else.
        img_scale: longest and shortest side in pixels, torchvision's ``max_size`` and
            ``min_size``.
        classes: their names, where they are known.

    Raises:
        FishdetError: an unknown version.
    """
    if version not in VERSIONS:
        raise FishdetError(f"version {version!r}: torchvision has {', '.join(VERSIONS)}")
    dataset: dict[str, Any] = {"type": "FishDataset", "pipeline": test_pipeline(img_scale)}
    if classes is not None:
        dataset["metainfo"] = {"classes": tuple(classes)}
    return {
        "model": _model(version == "v2", num_classes, bn_eps),
        "test_dataloader": {"dataset": dataset},
    }


def test_pipeline(img_scale: tuple[int, int] = IMG_SCALE) -> list[dict[str, Any]]:
    """Return the transforms that size a picture as torchvision does, in float."""
    return [
        {"type": "LoadImageFromFile", "to_float32": True},
        {"type": "TorchvisionResize", "scale": tuple(img_scale), "keep_ratio": True},
        {"type": "PackDetInputs", "meta_keys": META_KEYS},
    ]


def _model(second: bool, num_classes: int, bn_eps: float) -> dict[str, Any]:
    norm = {"type": "BN", "requires_grad": True}
    return {
        "type": "FasterRCNN",
        "data_preprocessor": _preprocessor(),
        "backbone": {
            "type": "ResNet",
            "depth": 50,
            "num_stages": 4,
            "out_indices": (0, 1, 2, 3),
            "frozen_stages": 1,
            "norm_cfg": {**norm, "eps": bn_eps},
            "norm_eval": True,
            "style": "pytorch",
        },
        "neck": {
            "type": "FPN",
            "in_channels": [256, 512, 1024, 2048],
            "out_channels": 256,
            "num_outs": 5,
            **({"norm_cfg": norm} if second else {}),
        },
        "rpn_head": _rpn_head(2 if second else 1),
        "roi_head": {
            "type": "StandardRoIHead",
            "bbox_roi_extractor": _extractor(),
            "bbox_head": _bbox_head(second, num_classes, norm),
        },
        "train_cfg": _train_cfg(),
        "test_cfg": _test_cfg(),
    }


def _preprocessor() -> dict[str, Any]:
    """ImageNet's mean and deviation of RGB in 0..1, times 255; padding is zero afterwards."""
    return {
        "type": "DetDataPreprocessor",
        "mean": [123.675, 116.28, 103.53],
        "std": [58.395, 57.12, 57.375],
        "bgr_to_rgb": True,
        "pad_size_divisor": 32,
    }


def _rpn_head(convs: int) -> dict[str, Any]:
    return {
        "type": "RPNHead",
        "in_channels": 256,
        "feat_channels": 256,
        "num_convs": convs,
        "anchor_generator": {
            "type": "TorchvisionAnchorGenerator",
            "scales": [8],  # of the stride: 32 to 512 pixels
            "ratios": [0.5, 1.0, 2.0],
            "strides": [4, 8, 16, 32, 64],
        },
        "bbox_coder": _coder([1.0, 1.0, 1.0, 1.0]),
        "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 1.0},
        "loss_bbox": {"type": "SmoothL1Loss", "beta": 1 / 9, "loss_weight": 1.0},
    }


def _extractor() -> dict[str, Any]:
    """Pixel centres at whole numbers (``aligned=False``), two samples a bin's side."""
    return {
        "type": "TorchvisionRoIExtractor",
        "roi_layer": {
            "type": "RoIAlign",
            "output_size": 7,
            "sampling_ratio": 2,
            "aligned": False,
        },
        "out_channels": 256,
        "featmap_strides": [4, 8, 16, 32],
    }


def _bbox_head(second: bool, num_classes: int, norm: dict[str, Any]) -> dict[str, Any]:
    layers = {"num_shared_convs": 4, "num_shared_fcs": 1} if second else {"num_shared_fcs": 2}
    return {
        "type": "TorchvisionBBoxHead",
        **layers,
        **({"norm_cfg": norm} if second else {}),
        "in_channels": 256,
        "fc_out_channels": 1024,
        "roi_feat_size": 7,
        "num_classes": num_classes,
        "bbox_coder": _coder([0.1, 0.1, 0.2, 0.2]),  # torchvision's weights 10, 10, 5, 5
        "reg_class_agnostic": False,
        "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0},
        "loss_bbox": {"type": "SmoothL1Loss", "beta": 1 / 9, "loss_weight": 1.0},
    }


def _coder(stds: list[float]) -> dict[str, Any]:
    return {"type": "TorchvisionBBoxCoder", "target_means": [0.0] * 4, "target_stds": stds}


def _nms(iou_threshold: float) -> dict[str, Any]:
    """Return NMS of each class or level apart, on the boxes as they are.

    mmcv shifts each class by the picture's width before it compares boxes, which in float32 moves
    box 90 by hundredths of a pixel. These two settings make it go class by class unshifted, as
    torchvision does from 1,000 boxes on.
    """
    return {"type": "nms", "iou_threshold": iou_threshold, "class_agnostic": True, "split_thr": 0}


def _test_cfg() -> dict[str, Any]:
    rpn = {"nms_pre": 1000, "max_per_img": 1000, "nms": _nms(0.7), "min_bbox_size": 1e-3}
    return {"rpn": rpn, "rcnn": {"score_thr": 0.05, "nms": _nms(0.5), "max_per_img": 100}}


def _train_cfg() -> dict[str, Any]:
    rpn = {
        "assigner": _assigner(0.7, 0.3, 0.3, True),
        "sampler": _sampler(256, 0.5, False),
        "allowed_border": -1,
        "pos_weight": -1,
        "debug": False,
    }
    rcnn = {
        "assigner": _assigner(0.5, 0.5, 0.5, False),
        "sampler": _sampler(512, 0.25, True),
        "pos_weight": -1,
        "debug": False,
    }
    proposals = {"nms_pre": 2000, "max_per_img": 2000, "nms": _nms(0.7), "min_bbox_size": 1e-3}
    return {"rpn": rpn, "rpn_proposal": proposals, "rcnn": rcnn}


def _assigner(positive: float, negative: float, least: float, low_quality: bool) -> dict[str, Any]:
    return {
        "type": "IgnoreRegionAssigner",
        "pos_iou_thr": positive,
        "neg_iou_thr": negative,
        "min_pos_iou": least,
        "match_low_quality": low_quality,
        "ignore_iof_thr": 0.5,
    }


def _sampler(number: int, share: float, add_gt: bool) -> dict[str, Any]:
    return {
        "type": "RandomSampler",
        "num": number,
        "pos_fraction": share,
        "neg_pos_ub": -1,
        "add_gt_as_proposals": add_gt,
    }
