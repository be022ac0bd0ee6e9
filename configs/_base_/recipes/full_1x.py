"""12 epochs at full size with mmdet's SGD; learning rate for batches of 16, as two-stage models."""

_base_ = [
    "../datasets/fish_coco.py",
    "../schedules/schedule_1x.py",
    "../default_runtime.py",
]
