"""RTMDet-tiny, 12 epochs at 640 px, backbone from ImageNet."""

_base_ = ["../_base_/models/rtmdet_tiny.py", "../_base_/recipes/small_1x.py"]
