"""RTMDet-tiny by the recipe of minutes, from random weights."""

_base_ = ["../_base_/models/rtmdet_tiny.py", "../_base_/recipes/minutes.py"]

model = dict(backbone=dict(init_cfg=None))
