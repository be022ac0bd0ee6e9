"""Faster R-CNN R50-FPN with GRoIE, 12 epochs at full size."""

_base_ = ["../_base_/models/faster-rcnn_r50_fpn_groie.py", "../_base_/recipes/full_1x.py"]
