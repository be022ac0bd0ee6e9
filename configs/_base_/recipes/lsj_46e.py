"""46 epochs of larger crops; weights are averaged over about 1,000 iterations (docs/recipes.md)."""

_base_ = [
    "../datasets/fish_coco_lsj_640.py",
    "../schedules/schedule_adamw_1x.py",
    "../default_runtime.py",
]

max_epochs = 46
train_cfg = dict(max_epochs=max_epochs, val_interval=23)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
average = dict(ema_type="ExpMomentumEMA", momentum=0.001, gamma=200, update_buffers=True)
custom_hooks = [*_base_.custom_hooks, dict(type="EMAHook", priority=49, **average)]
publish = dict(half=True)
