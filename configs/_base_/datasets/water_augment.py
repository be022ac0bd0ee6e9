"""Augmentations for water as a list to put into a training pipeline; nothing uses it by default.

    _base_ = ["../../fish.py", "../_base_/datasets/water_augment.py"]  # or another config of yours
    pipeline = _base_.train_pipeline
    train_dataloader = dict(
        dataset=dict(pipeline=[*pipeline[:3], *_base_.water_augment, *pipeline[3:]])
    )

Behind ``Resize`` they cost least. ``docs/transforms.md`` shows them, and copy-paste of fish.
"""

water_augment = [
    dict(type="WaterColumn", prob=0.4),
    dict(type="Caustics", prob=0.15),
    dict(type="MarineSnow", prob=0.25),
]
