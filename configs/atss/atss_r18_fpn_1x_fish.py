"""ATSS R18-FPN, 12 epochs at full size, backbone from ImageNet."""

_base_ = ["./atss_r50_fpn_1x_fish.py", "../_base_/parts/resnet18.py"]

model = _base_.resnet18
