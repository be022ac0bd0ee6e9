"""Minutes on a small machine: the drawn set or ``--data DIR``, AdamW, pictures that grow once."""

_base_ = [
    "../datasets/fish_builtin.py",
    "../schedules/schedule_minutes.py",
    "../default_runtime.py",
]

late = dict(switch_epoch=_base_.late_epoch, switch_pipeline=_base_.late_pipeline)
custom_hooks = [*_base_.custom_hooks, dict(type="PipelineSwitchHook", **late)]
publish = dict(half=True)
