"""Cascade R-CNN on EfficientNet-Lite0 with large scale jitter, for longer."""

_base_ = [
    "../_base_/models/cascade-rcnn_effnet-lite0_fpn_p3-p7.py",
    "../_base_/recipes/lsj_46e.py",
]
