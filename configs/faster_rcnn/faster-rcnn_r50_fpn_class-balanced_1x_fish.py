"""Faster R-CNN R50-FPN, rare species more often; see ``long_tail/class_balanced.py``."""

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/long_tail/class_balanced.py"]

own = _base_.train_dataloader.dataset
train_dataloader = dict(dataset=dict(_delete_=True, **_base_.class_balanced, dataset=own))
