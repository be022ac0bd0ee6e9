"""The drawn data set: made in ``data/`` at first use, or replaced by ``--data DIR``.

Pictures start at two thirds of their final size: at 128 px an iteration took about two thirds of
what it took at 192 px (0.31 against 0.46 s on two cores with bf16). ``configs/fish.py`` switches to
``late_pipeline`` for the last quarter. Two sizes in all: on a CPU each new one costs seconds of
kernel building.

With ``--data`` the final size follows the pictures' own median, at most 384 px on the longer
side, and the number of epochs makes about as many iterations as the built-in set has.
"""

_base_ = "./fish_coco.py"

builtin_data = dict(root="data/fish_builtin", seed=0, train=1120, val=300, size=256)
auto_img_scale = dict(longest=384, divisor=64)
auto_epochs = dict(iterations=560)
img_scale = (192, 192)

early = dict(type="Resize", scale=(128, 128), keep_ratio=True)
late = dict(type="Resize", scale=img_scale, keep_ratio=True)
train_pipeline = _base_.train_pipeline
late_pipeline = [*train_pipeline[:2], late, *train_pipeline[3:]]
train_pipeline[2] = early
test_pipeline = _base_.test_pipeline
test_pipeline[1] = late

train_dataloader = dict(
    batch_size=8, batch_sampler=dict(drop_last=True), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(batch_size=8, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
