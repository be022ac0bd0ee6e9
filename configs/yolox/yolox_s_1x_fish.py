"""YOLOX-S, 12 epochs at 640 px, from random weights."""

_base_ = ["../_base_/models/yolox_s.py", "../_base_/recipes/small_1x.py"]
