"""Fish data in COCO form for small machines: 640 px on the longer side, batches of four."""

_base_ = "./fish_coco.py"

img_scale = (640, 640)
resize = dict(type="Resize", scale=img_scale, keep_ratio=True)
train_pipeline = _base_.train_pipeline
train_pipeline[2] = resize
test_pipeline = _base_.test_pipeline
test_pipeline[1] = resize

train_dataloader = dict(
    batch_size=4, batch_sampler=dict(drop_last=True), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(batch_size=4, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
