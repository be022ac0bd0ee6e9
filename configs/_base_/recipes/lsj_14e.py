"""14 epochs of crops of enlarged pictures: an hour or two of two CPU cores for some hundred photos.

AdamW with one cosine; weights are averaged over about 500 iterations (docs/recipes.md).
"""

_base_ = [
    "../datasets/fish_coco_lsj.py",
    "../schedules/schedule_adamw_1x.py",
    "../default_runtime.py",
]

max_epochs = 14
train_cfg = dict(max_epochs=max_epochs, val_interval=7)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
average = dict(ema_type="ExpMomentumEMA", momentum=0.002, gamma=200, update_buffers=True)
custom_hooks = [*_base_.custom_hooks, dict(type="EMAHook", priority=49, **average)]
publish = dict(half=True)
