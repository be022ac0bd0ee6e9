"""The same on EfficientNet-Lite2: deeper and a tenth wider, with ImageNet weights of its own."""

_base_ = "./cascade-rcnn_effnet-lite0_fpn_p3-p7.py"

model = dict(
    backbone=dict(model_name="tf_efficientnet_lite2"),
    neck=dict(in_channels=[48, 120, 352]),
)
