"""Crops of fish, one a sample: ``--data DIR`` fills in paths and classes.

Boxes move as a detector's do, colours change as water and cameras change them, and each species
is shown about equally often.
"""

img_scale = (96, 96)
load = dict(type="LoadImageFromFile")
train_pipeline = [
    load,
    dict(type="ResizeCrop", scale=img_scale, jitter=0.06, proposals=True, flip=0.5),
    dict(type="WaterColumn", prob=0.3),
    dict(type="CropColour"),
    dict(type="PackCrop"),
]
test_pipeline = [load, dict(type="ResizeCrop", scale=img_scale), dict(type="PackCrop")]
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type="own_process_group"),
    sampler=dict(type="ClassBalancedSampler", balance=0.75),
    batch_sampler=dict(type="ResumableBatchSampler", drop_last=True),
    dataset=dict(
        type="FishCrops",
        data_root="data/fish/",
        ann_file="train.json",
        data_prefix=dict(img="images/"),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type="own_process_group"),
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="FishCrops",
        data_root="data/fish/",
        ann_file="val.json",
        data_prefix=dict(img="images/"),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="NamingMetric")
test_evaluator = val_evaluator
