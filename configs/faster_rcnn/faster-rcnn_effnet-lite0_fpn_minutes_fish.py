"""EfficientNet-Lite0 by the recipe of ``configs/fish.py``: the small model of the releases."""

_base_ = [
    "../_base_/models/faster-rcnn_effnet-lite0_fpn_compact.py",
    "../_base_/recipes/minutes_lite0.py",
]
