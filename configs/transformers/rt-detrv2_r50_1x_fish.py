"""RT-DETRv2 R50, 12 epochs at 640 × 640 px; ``model.weights`` names weights to start from."""

_base_ = ["../_base_/models/transformers_640.py", "../_base_/recipes/square_1x.py"]

model = dict(config=dict(model_type="rt_detr_v2"))
