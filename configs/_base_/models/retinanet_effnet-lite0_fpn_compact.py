"""RetinaNet on EfficientNet-Lite0 with FPN and head 128 wide, for pictures of some 200 px.

GroupNorm in the head, which stands AdamW's large steps better than none; anchors from 24 px on.
"""

_base_ = ["./retinanet_r50_fpn.py", "../parts/effnet-lite0_compact.py"]

model = dict(
    **_base_.lite0,
    bbox_head=dict(
        **_base_.dense_head,
        norm_cfg=dict(type="GN", num_groups=32, requires_grad=True),
        anchor_generator=dict(octave_base_scale=3),
    ),
)
