"""Faster R-CNN on EfficientNet-Lite0, whose ImageNet weights come as an installed package.

Pretrained without internet, and light enough for a small machine. What differs, and why:
- Input and frozen parts of the backbone: ``parts/effnet-lite0.py`` says why.
- Anchor scales 4 and 8, so from 16 px on: fish in the distance are small.
- RoIAlign with two samples a bin side, as torchvision's detectors have it: a grid that follows
  each RoI's size took 1.9 times as long forward, 1.4 with backward (benchmarks/roi_align.py).
- 500 proposals: enough for a school, and half the work of mmdet's 1,000.
"""

_base_ = ["./faster-rcnn_r50_fpn.py", "../parts/effnet-lite0.py"]

model = dict(
    data_preprocessor=_base_.lite0_input,
    backbone=_base_.lite0_backbone,
    neck=dict(in_channels=_base_.lite0_channels),
    rpn_head=dict(anchor_generator=dict(scales=[4, 8])),
    roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2))),
    train_cfg=dict(rpn_proposal=dict(nms_pre=1000, max_per_img=500)),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=500)),
)
