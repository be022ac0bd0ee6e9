"""Seesaw loss (Wang et al., CVPR 2021): ``model = _base_.seesaw`` in a leaf of a two-stage model.

Rare species are punished less for looking like common ones, by the counts seen so far, and species
and background are told apart by logits of their own. Numbers as in mmdet's ``seesaw_loss``.
"""

seesaw = dict(
    roi_head=dict(
        bbox_head=dict(
            cls_predictor_cfg=dict(type="NormedLinear", temperature=20),
            loss_cls=dict(_delete_=True, type="SeesawLoss", p=0.8, q=2.0, num_classes=80),
        )
    )
)
