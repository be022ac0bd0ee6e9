"""Faster R-CNN R50-FPN, 12 epochs at full size, backbone from ImageNet."""

_base_ = [
    "../_base_/models/faster-rcnn_r50_fpn.py",
    "../_base_/datasets/fish_coco.py",
    "../_base_/schedules/schedule_1x.py",
    "../_base_/default_runtime.py",
]
