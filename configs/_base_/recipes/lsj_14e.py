"""14 epochs of crops of enlarged pictures: an hour or two of two CPU cores for some 100 photos."""

_base_ = ["../datasets/fish_coco_lsj.py", "./lsj.py"]

max_epochs = 14
train_cfg = dict(max_epochs=max_epochs, val_interval=7)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
