"""The compact Faster R-CNN on EfficientNet-Lite0: 8 million numbers, ImageNet weights installed.

Heads, anchors and sampling as ``faster-rcnn_r50_fpn_compact.py`` has them, which says why.
"""

_base_ = ["./faster-rcnn_r50_fpn_compact.py", "../parts/effnet-lite0.py"]

model = dict(
    data_preprocessor=_base_.lite0_input,
    backbone=_base_.lite0_backbone,
    neck=dict(in_channels=_base_.lite0_channels),
)
