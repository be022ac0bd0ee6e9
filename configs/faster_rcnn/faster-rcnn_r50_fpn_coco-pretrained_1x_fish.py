"""Faster R-CNN R50-FPN, 12 epochs, all weights but the class heads' from torchvision's COCO."""

_base_ = [
    "../_base_/models/faster-rcnn_r50_fpn_torchvision.py",
    "../_base_/datasets/fish_coco.py",
    "../_base_/schedules/schedule_1x.py",
    "../_base_/default_runtime.py",
]

load_from = "torchvision://fasterrcnn_resnet50_fpn"
