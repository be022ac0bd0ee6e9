"""A schedule of minutes: AdamW, a short warm-up, an epoch at full rate, a straight line to zero.

On a CPU much of a step goes into the weights, whatever the number of pictures (they are cast,
stepped and written once a step), so a batch of eight takes half as long again as one of four; at
1.8e-3 in place of 1.2e-3 half as many steps teach as much (SGD was not tried). The line keeps the
rate high for longer than a cosine and ends at zero with the last iteration, so that none is spent
at a rate too high to settle: docs/recipes.md has the trials.
"""

max_epochs = 4
late_epoch = 3  # from here on pictures have their full size
train_cfg = dict(type="ResumableTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, by_epoch=False, begin=0, end=40),
    dict(
        type="LinearLR",
        start_factor=1.0,
        end_factor=1e-4,
        by_epoch=True,
        begin=1,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="DenseAdamW", lr=1.8e-3, betas=(0.9, 0.99), weight_decay=0.02, fused=True),
    clip_grad=dict(max_norm=10),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
