"""Focal loss as the classifier of a two-stage model: ``model = _base_.focal`` in a leaf.

Lin et al., ICCV 2017: one sigmoid a species, no logit for the background; what is easy counts
little. The loss is summed over 512 mostly empty RoIs, hence alpha 0.25 as published.
"""

focal = dict(
    roi_head=dict(
        bbox_head=dict(
            loss_cls=dict(
                _delete_=True, type="FocalCustomLoss", num_classes=80, gamma=2.0, alpha=0.25
            )
        )
    )
)
