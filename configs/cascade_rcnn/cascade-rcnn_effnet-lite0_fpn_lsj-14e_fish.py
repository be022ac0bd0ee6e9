"""Cascade R-CNN on EfficientNet-Lite0 with large scale jitter, for some hundred photos on a CPU."""

_base_ = [
    "../_base_/models/cascade-rcnn_effnet-lite0_fpn_p3.py",
    "../_base_/recipes/lsj_14e.py",
]
