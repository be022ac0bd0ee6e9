"""FCOS on EfficientNet-Lite0 with FPN and head 128 wide, for pictures of some 200 px.

The levels share boxes out by half the published sizes: up to 32 px to the first, 64 to the second.
"""

_base_ = ["./fcos_r50_fpn_gn-head.py", "../parts/effnet-lite0_compact.py"]

ranges = ((-1, 32), (32, 64), (64, 128), (128, 256), (256, 1e8))
model = dict(**_base_.lite0, bbox_head=dict(**_base_.dense_head, regress_ranges=ranges))
