"""An embedding of fish on EfficientNet-Lite0, whose ImageNet weights come as an installed package.

Stem and first stages stay frozen, as do all BatchNorm statistics (see the detector on this
backbone); 128 numbers a fish, so that a gallery of 100,000 photos takes 51 MB.
"""

model = dict(
    type="FishEmbedder",
    data_preprocessor=dict(
        type="ImgDataPreprocessor",
        mean=[127.0, 127.0, 127.0],
        std=[128.0, 128.0, 128.0],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type="TimmBackbone",
        model_name="tf_efficientnet_lite0",
        out_indices=(2, 3, 4),
        frozen_stages=2,
        norm_eval=True,
        weights="package",
    ),
    channels=(40, 112, 320),
    dimensions=128,
    dropout=0.1,
    head=dict(
        type="CosineMarginHead", num_classes=1, centres=2, margin=0.2, scale=16.0, smoothing=0.05
    ),
)
