"""ResNet-18 in place of ResNet-50: ``model = _base_.resnet18`` in a leaf."""

resnet18 = dict(
    backbone=dict(depth=18, init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet18")),
    neck=dict(in_channels=[64, 128, 256, 512]),
)
