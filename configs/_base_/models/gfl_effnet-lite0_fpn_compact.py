"""GFL on EfficientNet-Lite0 with FPN and head 128 wide, for pictures of some 200 px.

Anchors from 32 px on in place of 64.
"""

_base_ = ["./gfl_r50_fpn.py", "../parts/effnet-lite0_compact.py"]

model = dict(
    **_base_.lite0,
    bbox_head=dict(**_base_.dense_head, anchor_generator=dict(octave_base_scale=4)),
)
