"""Faster R-CNN R50-FPN, every picture four times an epoch; see ``long_tail/repeat_factor.py``."""

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/long_tail/repeat_factor.py"]

own = _base_.train_dataloader.dataset
train_dataloader = dict(dataset=dict(_delete_=True, **_base_.repeated, dataset=own))
