"""Equalization loss v2 (Tan et al., CVPR 2021): ``model = _base_.eqlv2`` in a two-stage leaf.

Each species' positive and negative gradients are weighted by their ratio so far.
"""

eqlv2 = dict(
    roi_head=dict(
        bbox_head=dict(loss_cls=dict(_delete_=True, type="EqualizationLossV2", num_classes=80))
    )
)
