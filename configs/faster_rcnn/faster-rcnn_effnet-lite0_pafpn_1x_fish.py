"""EfficientNet-Lite0 with PAFPN, 12 epochs at 640 px."""

_base_ = "./faster-rcnn_effnet-lite0_fpn_1x_fish.py"

model = dict(neck=dict(type="PAFPN"))
