"""LW-DETR, 12 epochs at 640 × 640 px; ``model.weights`` names weights to start from."""

_base_ = ["../_base_/models/transformers_vit_640.py", "../_base_/recipes/square_1x.py"]

# A side is cut into patches of 16 px, and these into 4 windows.
model = dict(config=dict(model_type="lw_detr"), data_preprocessor=dict(pad_size_divisor=64))
