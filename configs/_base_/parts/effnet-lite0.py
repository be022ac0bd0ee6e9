"""EfficientNet-Lite0 from its installed ImageNet weights: ``lite0_input`` and ``lite0_backbone``.

Input as the weights were trained on: RGB, (x - 127) / 128. Stem and first stage and all BatchNorm
statistics stay frozen: batches of two say too little about statistics, and bf16 speeds up a
depthwise convolution's forward, not its backward.
"""

lite0_input = dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0])
lite0_backbone = dict(
    _delete_=True,
    type="TimmBackbone",
    model_name="tf_efficientnet_lite0",
    out_indices=(1, 2, 3, 4),
    frozen_stages=1,
    norm_eval=True,
    weights="package",
)
lite0_channels = [24, 40, 112, 320]
