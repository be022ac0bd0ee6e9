"""DINO R50 with four scales, 12 epochs at full size, backbone from ImageNet."""

_base_ = ["../_base_/models/dino-4scale_r50.py", "../_base_/recipes/full_1x_detr.py"]
