"""12 epochs at 640 px, batches of four, AdamW with one cosine: for small machines."""

_base_ = [
    "../datasets/fish_coco_640.py",
    "../schedules/schedule_adamw_1x.py",
    "../default_runtime.py",
]
