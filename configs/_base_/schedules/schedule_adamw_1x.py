"""12 epochs of AdamW with one cosine, for fine-tuning a small pretrained backbone.

The backbone moves at a third of the rate of what starts from random weights.
"""

max_epochs = 12
train_cfg = dict(type="ResumableTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type="CosineAnnealingLR",
        by_epoch=True,
        begin=0,
        end=max_epochs,
        T_max=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=3e-4, weight_decay=0.05, fused=True),
    # Heads of some detectors (RTMDet, D-FINE, RT-DETRv2) are one module under several names.
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.333)}, bypass_duplicate=True),
    clip_grad=dict(max_norm=10),
)
auto_scale_lr = dict(enable=False, base_batch_size=4)
