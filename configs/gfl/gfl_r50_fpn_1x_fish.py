"""GFL R50-FPN, 12 epochs at full size, backbone from ImageNet."""

_base_ = ["../_base_/models/gfl_r50_fpn.py", "../_base_/recipes/full_1x_dense.py"]
