"""Faster R-CNN R50-FPN, every picture four times an epoch; see ``parts/repeated.py``."""

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/parts/repeated.py"]

own = _base_.train_dataloader.dataset
train_dataloader = dict(dataset=dict(_delete_=True, **_base_.repeated, dataset=own))
