"""An embedding of fish for galleries: sub-centre ArcFace on EfficientNet-Lite0, in minutes."""

_base_ = [
    "../_base_/models/embedder_effnet-lite0.py",
    "../_base_/datasets/fish_crops.py",
    "../_base_/schedules/schedule_embedding.py",
    "../_base_/default_runtime.py",
]

default_hooks = dict(checkpoint=dict(save_best="ident/macro_top1"))
custom_hooks = [
    *_base_.custom_hooks,
    dict(type="DiscriminantStart"),
    dict(type="EMAHook", ema_type="ExpMomentumEMA", momentum=0.01, gamma=100, update_buffers=True),
]
