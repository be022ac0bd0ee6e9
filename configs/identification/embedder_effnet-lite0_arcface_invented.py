"""The embedding on drawn species that do not exist: it meets many, and ten of them only later."""

_base_ = ["./embedder_effnet-lite0_arcface_fish.py", "../_base_/datasets/fish_invented.py"]

train_dataloader = dict(dataset=dict(leave_out=(*_base_.held_out, *_base_.doubt)))
val_dataloader = dict(dataset=dict(leave_out=_base_.held_out))
