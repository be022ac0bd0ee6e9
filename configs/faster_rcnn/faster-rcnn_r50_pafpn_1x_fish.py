"""Faster R-CNN R50-PAFPN: a second way through the pyramid, bottom up."""

_base_ = "./faster-rcnn_r50_fpn_1x_fish.py"

model = dict(neck=dict(type="PAFPN"))
