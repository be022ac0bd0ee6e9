"""Fish data in COCO form at full size; ``--data DIR`` fills in paths and classes."""

dataset_type = "FishDataset"
data_root = "data/fish/"
img_scale = (1333, 800)

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=img_scale, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=img_scale, keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    pin_memory=True,
    worker_init_fn=dict(type="own_process_group"),
    timeout=300,  # seconds without a batch, after which a worker counts as hung
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_sampler=dict(type="ResumableBatchSampler"),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file="train.json",
        data_prefix=dict(img="images/"),
        filter_cfg=dict(filter_empty_gt=False),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type="own_process_group"),
    timeout=300,  # seconds without a batch, after which a worker counts as hung
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file="val.json",
        data_prefix=dict(img="images/"),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="FishMetric", ann_file=data_root + "val.json")
test_evaluator = val_evaluator
