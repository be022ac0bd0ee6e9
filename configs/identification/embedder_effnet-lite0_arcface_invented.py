"""The embedding on drawn species that do not exist; ten of them are held out, to be met later."""

_base_ = "./embedder_effnet-lite0_arcface_fish.py"

builtin_data = dict(root="data/fish_invented", cast="invented", train=400, val=200, size=256)
held_out = (
    "lined copperfin", "plain copperfin", "masked moonplate", "tailspot moonplate",
    "striped glasslance", "dotted glasslance", "yellowtail slatehump", "ringed slatehump",
    "blacktail sand sail", "ribboned sand sail",
)  # fmt: skip
train_dataloader = dict(dataset=dict(leave_out=held_out))
val_dataloader = dict(dataset=dict(leave_out=held_out))
