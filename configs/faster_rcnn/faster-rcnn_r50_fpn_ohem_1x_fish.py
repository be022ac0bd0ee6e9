"""Faster R-CNN R50-FPN that learns from its hardest RoIs (OHEM)."""

_base_ = "./faster-rcnn_r50_fpn_1x_fish.py"

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(type="OHEMSampler"))))
