"""LW-DETR, 12 epochs at 640 × 640 px; ``model.weights`` names weights to start from."""

_base_ = ["../_base_/models/transformers_vit_640.py", "../_base_/recipes/square_1x.py"]

# A side is cut into patches of 16 px, and these into 4 windows. The library's default has no level
# of features at all; one, at the patches' own scale, is the least that works.
model = dict(
    config=dict(model_type="lw_detr", projector_scale_factors=[1.0]),
    data_preprocessor=dict(pad_size_divisor=64),
)
