"""The same for four times as long."""

_base_ = "./cascade-rcnn_effnet-lite0_fpn_lsj-14e_fish.py"

max_epochs = 56
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
train_cfg = dict(max_epochs=max_epochs)
