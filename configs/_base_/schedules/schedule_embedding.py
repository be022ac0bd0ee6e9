"""A schedule of minutes for an embedding: AdamW, one cosine, weights averaged as it goes.

The backbone moves at a third of the rate of what starts from random weights. The average (EMA)
reaches back about a hundred iterations; it is what is evaluated and saved.
"""

max_epochs = 10
auto_epochs = dict(iterations=400)
train_cfg = dict(type="ResumableTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, by_epoch=False, begin=0, end=30),
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
    optimizer=dict(type="AdamW", lr=2e-3, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.333)}),
    clip_grad=dict(max_norm=10),
)
auto_scale_lr = dict(enable=False, base_batch_size=32)
