"""A model of the transformers library at 640 × 640 px; a leaf gives ``model.config``.

Pictures are stretched to a square, as the library's own processor does. Input as D-FINE, RT-DETR
and RT-DETRv2 take it: RGB in [0, 1].
"""

model = dict(
    type="TransformersDetector",
    num_classes=80,
    max_per_img=300,
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[0.0, 0.0, 0.0],
        std=[255.0, 255.0, 255.0],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
)
