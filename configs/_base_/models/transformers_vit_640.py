"""As ``transformers_640.py`` with ImageNet's mean and deviation: LW-DETR and RF-DETR."""

_base_ = "./transformers_640.py"

model = dict(data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
