"""EfficientNet-Lite0, 12 epochs at 640 px, ImageNet weights from an installed package."""

_base_ = [
    "../_base_/models/faster-rcnn_effnet-lite0_fpn.py",
    "../_base_/datasets/fish_coco_640.py",
    "../_base_/schedules/schedule_adamw_1x.py",
    "../_base_/default_runtime.py",
]
