"""EfficientNet-Lite0 by the recipe of ``configs/fish.py``: the small model of the releases."""

_base_ = [
    "../_base_/models/faster-rcnn_effnet-lite0_fpn_compact.py",
    "../_base_/datasets/fish_builtin.py",
    "../_base_/schedules/schedule_minutes.py",
    "../_base_/default_runtime.py",
]

late = dict(switch_epoch=_base_.late_epoch, switch_pipeline=_base_.late_pipeline)
custom_hooks = [*_base_.custom_hooks, dict(type="PipelineSwitchHook", **late)]
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.333)}))
publish = dict(half=True)
