"""Fish data in COCO form with large scale jitter: crops of 512 px in training, 896 px in testing.

Training enlarges or shrinks a picture to between 0.8 and 2 times 640 px and cuts a square out of
it: every batch has one shape, and small fish are seen enlarged. Simple Copy-Paste
(https://arxiv.org/abs/2012.07177) has measured such jitter (0.1 to 2) against the usual one.
"""

_base_ = "./fish_coco.py"

img_scale = (896, 896)
crop_size = (512, 512)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomResize", scale=(640, 640), ratio_range=(0.8, 2.0), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, allow_negative_crop=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="Pad", size=crop_size),
    dict(type="PackDetInputs"),
]
test_pipeline = _base_.test_pipeline
test_pipeline[1] = dict(type="Resize", scale=img_scale, keep_ratio=True)

train_dataloader = dict(
    batch_size=4, batch_sampler=dict(drop_last=True), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
