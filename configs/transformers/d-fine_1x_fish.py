"""D-FINE, 12 epochs at 640 × 640 px; ``model.weights`` names weights to start from."""

_base_ = ["../_base_/models/transformers_640.py", "../_base_/recipes/square_1x.py"]

model = dict(config=dict(model_type="d_fine"))
