"""Deformable DETR R50, 12 epochs at full size, backbone from ImageNet."""

_base_ = ["../_base_/models/deformable-detr_r50.py", "../_base_/recipes/full_1x_detr.py"]
