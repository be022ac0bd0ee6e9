"""Cascade R-CNN on EfficientNet-Lite0 by the recipe of minutes."""

_base_ = [
    "../_base_/models/cascade-rcnn_effnet-lite0_fpn_compact.py",
    "../_base_/recipes/minutes_lite0.py",
]
