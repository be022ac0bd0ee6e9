"""Faster R-CNN R50-FPN whose BatchNorm is trained everywhere, in FPN and box head as well.

For batches of eight and more a device; with fewer its statistics say little.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    backbone=dict(norm_eval=False),
    neck=dict(norm_cfg=norm_cfg),
    roi_head=dict(
        bbox_head=dict(type="Shared4Conv1FCBBoxHead", conv_out_channels=256, norm_cfg=norm_cfg)
    ),
)
