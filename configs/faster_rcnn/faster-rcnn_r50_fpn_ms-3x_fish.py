"""Faster R-CNN R50-FPN, 36 epochs, each picture at one of six sizes."""

_base_ = [
    "../_base_/models/faster-rcnn_r50_fpn.py",
    "../_base_/datasets/fish_coco.py",
    "../_base_/schedules/schedule_3x.py",
    "../_base_/default_runtime.py",
]

scales = [(1333, side) for side in (640, 672, 704, 736, 768, 800)]
train_pipeline = _base_.train_pipeline
train_pipeline[2] = dict(type="RandomChoiceResize", scales=scales, keep_ratio=True)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
