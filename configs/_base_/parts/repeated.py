"""Every picture several times an epoch: for sets so small that an epoch is over in seconds.

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/parts/repeated.py"]
train_dataloader = dict(
    dataset=dict(_delete_=True, **_base_.repeated, dataset=_base_.train_dataloader.dataset)
)
"""

repeated = dict(type="RepeatDataset", times=4)
