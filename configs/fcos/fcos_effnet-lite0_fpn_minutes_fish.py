"""FCOS on EfficientNet-Lite0 by the recipe of minutes."""

_base_ = ["../_base_/models/fcos_effnet-lite0_fpn_compact.py", "../_base_/recipes/minutes_lite0.py"]
