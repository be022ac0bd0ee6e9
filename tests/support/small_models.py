"""Detectors of the shipped configs, made small enough that a step takes a moment."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from fishdet.config import nested_dicts

SIDE = 64  # pixels
SMALL = {
    "deepen_factor": 0.167,
    "num_queries": 20,
    "num_layers": 1,
    "stacked_convs": 1,
    "fc_out_channels": 32,
    "conv_out_channels": 32,
    "nms_pre": 100,
    "stage_with_dcn": (False, False, False, True),
}
SMALL_TRANSFORMER = {"num_queries": 10, "decoder_layers": 2}  # of transformers' configurations


def shrink(model: dict[str, Any]) -> None:
    """Take weights from files out of a model's config, and most of its layers."""
    for part in nested_dicts(model):
        part.pop("init_cfg", None)
        if "weights" in part:
            part["weights"] = None if part["type"] == "TransformersDetector" else "none"
        part.update({key: value for key, value in SMALL.items() if key in part})
        if "num_queries" in part and "max_per_img" in part.get("test_cfg", {}):
            part["test_cfg"]["max_per_img"] = SMALL["num_queries"]
        if part.get("max_per_img", 0) > 100:
            part["max_per_img"] = 100
        if part.get("type") == "ResNet" and "dcn" not in part:
            part["depth"] = 18
    if model["type"] == "TransformersDetector":
        model["config"].update(SMALL_TRANSFORMER)
    elif model["backbone"].get("depth") == 18:
        neck = model["neck"]
        neck = neck[0] if isinstance(neck, list) else neck
        neck["in_channels"] = [64, 128, 256, 512][-len(neck["in_channels"]) :]


def batch(side: int = SIDE) -> dict[str, Any]:
    """Return two noisy pictures with two boxes each, of classes 0 and 2."""
    sample = DetDataSample()
    sample.set_metainfo(
        dict(img_shape=(side, side), ori_shape=(side, side), scale_factor=(1.0, 1.0))
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[4.0, 8, 36, 30], [30, 34, 60, 56]]), labels=torch.tensor([0, 2])
    )
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
    )
    noise = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 256, (3, side, side), dtype=torch.uint8, generator=noise)
    return dict(inputs=[picture, picture.flip(2)], data_samples=[sample, sample.clone()])
