"""Cascade R-CNN on EfficientNet-Lite2 with large scale jitter."""

_base_ = [
    "../_base_/models/cascade-rcnn_effnet-lite2_fpn_p3-p7.py",
    "../_base_/recipes/lsj_46e.py",
]
