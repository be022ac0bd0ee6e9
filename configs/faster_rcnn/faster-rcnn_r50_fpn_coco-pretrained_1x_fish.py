"""Faster R-CNN R50-FPN, 12 epochs, all weights but the class heads' from COCO."""

_base_ = "./faster-rcnn_r50_fpn_1x_fish.py"

model = dict(backbone=dict(init_cfg=None))  # load_from brings the backbone too
load_from = (
    "https://mmassets.onedl.ai/mmdetection/v2.0/faster_rcnn/faster_rcnn_r50_fpn_1x_coco/"
    "faster_rcnn_r50_fpn_1x_coco_20200130-047c8118.pth"
)
