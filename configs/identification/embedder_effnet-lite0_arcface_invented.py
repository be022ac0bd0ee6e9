"""The embedding on drawn species that do not exist.

Ten of the twenty-eight are held out, to be met later. 264 further species make it meet many; forty
of them are held out too, so that thresholds can be fitted on what it was never taught.
"""

_base_ = "./embedder_effnet-lite0_arcface_fish.py"

builtin_data = dict(
    root="data/fish_invented_further", cast="invented", train=400, val=200, size=256, further=1200,
    pairs=132,
)  # fmt: skip
held_out = (
    "lined copperfin", "plain copperfin", "masked moonplate", "tailspot moonplate",
    "striped glasslance", "dotted glasslance", "yellowtail slatehump", "ringed slatehump",
    "blacktail sand sail", "ribboned sand sail",
)  # fmt: skip
doubt = tuple(f"{one} further {n:03d}" for n in range(113, 133) for one in ("first", "second"))
train_dataloader = dict(dataset=dict(leave_out=(*held_out, *doubt)))
val_dataloader = dict(dataset=dict(leave_out=held_out))
