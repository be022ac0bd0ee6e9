"""The same with crops of 640 px of pictures of 480 to 1,120 px, and colours that vary.

Large fish are cut less often than by crops of 512 px.
"""

_base_ = "./fish_coco_lsj.py"

crop_size = (640, 640)
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(ratio_range=(0.75, 1.75))
train_pipeline[3].update(crop_size=crop_size)
train_pipeline[5].update(size=crop_size)
train_pipeline.insert(4, dict(type="PhotoMetricDistortion"))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
