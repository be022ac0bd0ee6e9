"""Focal loss as the classifier of a two-stage model: ``model = _base_.focal`` in a leaf.

Lin et al., ICCV 2017: one sigmoid a species, no logit for the background; what is easy counts
little. The loss is summed over 512 mostly empty RoIs, hence alpha 0.25, and sigmoids that say 1 %
at the start, as published.
"""

focal = dict(
    roi_head=dict(
        bbox_head=dict(
            loss_cls=dict(
                _delete_=True, type="SpeciesFocalLoss", num_classes=80, gamma=2.0, alpha=0.25
            ),
            init_cfg=[
                dict(type="Normal", std=0.01, bias_prob=0.01, override=dict(name="fc_cls")),
                dict(type="Normal", std=0.001, override=dict(name="fc_reg")),
                dict(type="Xavier", distribution="uniform", override=[dict(name="shared_fcs")]),
            ],
        )
    )
)
