"""Faster R-CNN R50-FPN with GroupNorm everywhere, from random weights: batches may be of one.

As mmdet's ``scratch/faster-rcnn_r50-scratch_fpn_gn-all_6x_coco.py``.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

norm_cfg = dict(type="GN", num_groups=32, requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, zero_init_residual=False, norm_cfg=norm_cfg, init_cfg=None),
    neck=dict(norm_cfg=norm_cfg),
    roi_head=dict(
        bbox_head=dict(type="Shared4Conv1FCBBoxHead", conv_out_channels=256, norm_cfg=norm_cfg)
    ),
)
