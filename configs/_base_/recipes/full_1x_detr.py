"""12 epochs at full size for transformers with queries, as mmdet's DINO: AdamW 1e-4, a step at 11.

Gradients are cut at 0.1; the backbone and what places the sampling points move at a tenth.
"""

_base_ = ["../datasets/fish_coco.py", "../default_runtime.py"]

max_epochs = 12
train_cfg = dict(type="ResumableTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
param_scheduler = [
    dict(type="MultiStepLR", begin=0, end=max_epochs, by_epoch=True, milestones=[11], gamma=0.1)
]
slow = dict(lr_mult=0.1)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1, norm_type=2),
    paramwise_cfg=dict(
        custom_keys={"backbone": slow, "sampling_offsets": slow, "reference_points": slow}
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
