"""ResNet-101 in place of ResNet-50: ``model = _base_.resnet101`` in a leaf."""

resnet101 = dict(
    backbone=dict(depth=101, init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet101"))
)
