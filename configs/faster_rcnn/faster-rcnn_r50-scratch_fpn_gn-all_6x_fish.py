"""Faster R-CNN R50-FPN with GroupNorm from random weights, 73 epochs, as mmdet's."""

_base_ = ["../_base_/models/faster-rcnn_r50_fpn_gn-all.py", "../_base_/recipes/full_1x.py"]

epochs = 73
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(paramwise_cfg=dict(norm_decay_mult=0.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", begin=0, end=epochs, by_epoch=True, milestones=[65, 71], gamma=0.1),
]
