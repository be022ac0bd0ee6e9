"""Faster R-CNN R101-FPN, 12 epochs at full size, backbone from ImageNet."""

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/parts/resnet101.py"]

model = _base_.resnet101
