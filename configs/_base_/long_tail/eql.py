"""Equalization loss (Tan et al., CVPR 2020): ``model = _base_.eql`` in a two-stage leaf.

    custom_hooks = [*_base_.custom_hooks, _base_.image_shares]

A species in fewer than ``rare`` of the training pictures is not pushed down by fish of the others.
The paper's 1.76e-3 is for 1,230 classes; fish data have few, hence one picture in twenty. At the
start each sigmoid says 1 %, so that the many empty RoIs do not drown the rest.
"""

image_shares = dict(type="ImageSharesHook")
eql = dict(
    roi_head=dict(
        bbox_head=dict(
            loss_cls=dict(_delete_=True, type="EqualizationLoss", num_classes=80, rare=0.05),
            init_cfg=[
                dict(type="Normal", std=0.01, bias_prob=0.01, override=dict(name="fc_cls")),
                dict(type="Normal", std=0.001, override=dict(name="fc_reg")),
                dict(type="Xavier", distribution="uniform", override=[dict(name="shared_fcs")]),
            ],
        )
    )
)
