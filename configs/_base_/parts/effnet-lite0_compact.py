"""EfficientNet-Lite0 under a thin FPN in place of ResNet-50: ``model = _base_.lite0`` in a model.

Input, weights and frozen parts as ``models/faster-rcnn_effnet-lite0_fpn_compact.py`` has them,
which the detectors of ``recipes/minutes.py`` share: what differs between them is the head.
"""

lite0 = dict(
    data_preprocessor=dict(
        mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0], pad_size_divisor=64
    ),
    backbone=dict(
        _delete_=True,
        type="TimmBackbone",
        model_name="tf_efficientnet_lite0",
        out_indices=(1, 2, 3, 4),
        frozen_stages=1,
        norm_eval=True,
        weights="package",
    ),
    neck=dict(
        in_channels=[24, 40, 112, 320],
        out_channels=128,
        norm_cfg=dict(type="BN", requires_grad=True),
    ),
)
dense_head = dict(in_channels=128, feat_channels=128)
