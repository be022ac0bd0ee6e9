"""12 epochs at 640 × 640 px, batches of four, AdamW 1e-4, a tenth of it in the backbone."""

_base_ = [
    "../datasets/fish_coco_640.py",
    "../schedules/schedule_adamw_1x.py",
    "../default_runtime.py",
]

resize = dict(type="Resize", scale=_base_.img_scale, keep_ratio=False)
train_pipeline = _base_.train_pipeline
train_pipeline[2] = resize
test_pipeline = _base_.test_pipeline
test_pipeline[1] = resize
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(
    optimizer=dict(lr=1e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=0.1),
)
