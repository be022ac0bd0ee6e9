"""The compact Faster R-CNN on EfficientNet-Lite0: 8 million numbers, ImageNet weights installed.

Heads, anchors and sampling as ``faster-rcnn_r50_fpn_compact.py`` has them; input and frozen parts
of the backbone as ``faster-rcnn_effnet-lite0_fpn.py`` has them, which say why.
"""

_base_ = "./faster-rcnn_r50_fpn_compact.py"

model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type="TimmBackbone",
        model_name="tf_efficientnet_lite0",
        out_indices=(1, 2, 3, 4),
        frozen_stages=1,
        norm_eval=True,
        weights="package",
    ),
    neck=dict(in_channels=[24, 40, 112, 320]),
)
