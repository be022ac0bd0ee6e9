"""The default: Faster R-CNN R50-FPN on fish, from the drawn data set or from ``--data DIR``."""

_base_ = [
    "./_base_/models/faster-rcnn_r50_fpn_compact.py",
    "./_base_/datasets/fish_builtin.py",
    "./_base_/schedules/schedule_minutes.py",
    "./_base_/default_runtime.py",
]

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type="PipelineSwitchHook",
        switch_epoch=_base_.late_epoch,
        switch_pipeline=_base_.late_pipeline,
    ),
]
publish = dict(half=True)  # leaves WORK_DIR/model/….safetensors, which tools/predict.py finds
