"""Faster R-CNN with modulated deformable convolutions (DCNv2) in stages 3 to 5."""

_base_ = "./faster-rcnn_r50_fpn_1x_fish.py"

dcn = dict(type="DCNv2", deform_groups=1, fallback_on_stride=False)
model = dict(backbone=dict(dcn=dcn, stage_with_dcn=(False, True, True, True)))
