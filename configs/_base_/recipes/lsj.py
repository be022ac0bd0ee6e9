"""What the recipes of large scale jitter share but for data and epochs (docs/recipes.md).

AdamW with one cosine; weights are averaged over about 1 / momentum iterations.
"""

_base_ = ["../schedules/schedule_adamw_1x.py", "../default_runtime.py"]

optim_wrapper = dict(optimizer=dict(lr=4e-4))
average = dict(ema_type="ExpMomentumEMA", momentum=0.002, gamma=200, update_buffers=True)
custom_hooks = [*_base_.custom_hooks, dict(type="EMAHook", priority=49, **average)]
publish = dict(half=True)
