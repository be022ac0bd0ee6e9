"""46 epochs of larger crops, with weights averaged over about 1,000 iterations."""

_base_ = ["../datasets/fish_coco_lsj_640.py", "./lsj.py"]

max_epochs = 46
train_cfg = dict(max_epochs=max_epochs, val_interval=23)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
custom_hooks = _base_.custom_hooks
custom_hooks[-1].update(momentum=0.001)
