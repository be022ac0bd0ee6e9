"""EfficientNet-Lite0 under a thin FPN in place of ResNet-50: ``model = _base_.lite0`` in a model.

The detectors of ``recipes/minutes.py`` share it: what differs between them is the head.
"""

_base_ = "./effnet-lite0.py"

lite0 = dict(
    data_preprocessor=dict(_base_.lite0_input, pad_size_divisor=64),
    backbone=_base_.lite0_backbone,
    neck=dict(
        in_channels=_base_.lite0_channels,
        out_channels=128,
        norm_cfg=dict(type="BN", requires_grad=True),
    ),
)
dense_head = dict(in_channels=128, feat_channels=128)
