"""Faster R-CNN R50-FPN that learns from scratch in minutes, on a CPU too.

What differs from the full-size model, and why:
- BatchNorm is trained everywhere, in the FPN as well: frozen ImageNet statistics mean nothing
  to a network that starts from random weights. Residual branches start at full strength: from
  zero, AdamW can move their scale by 0.55 at most, the sum of the learning rates. (Not measured
  alone.)
- FPN 128 wide and FCs 512 wide: at 480×640 a third of the arithmetic of a step is the two
  256-wide 3×3 convolutions of FPN and RPN on P2.
- Anchor scale 6 and ratios 0.35, 0.7, 1.4: fish lie lengthwise, and most are 20 to 100 px long.
- One box regression for all species: it sees every fish instead of a seventh of them, and loose
  boxes are what a short training suffers from. Both box losses count double for the same reason,
  and the species' loss one and a half times: look-alikes are what is learnt last
  (docs/recipes.md).
- 128 RPN and 128 RoI samples an image, up to 40 % of the latter fish: a picture holds a handful
  of fish, and more samples are more easy background. 250 proposals in training, 300 in testing.
- NMS at IoU 0.6 of proposals and 0.4 of boxes: it clears the loose duplicates of a short
  training. Lower the latter's effect on dense schools with
  ``--cfg-options model.test_cfg.rcnn.nms.iou_threshold=0.5``.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    data_preprocessor=dict(pad_size_divisor=64),
    backbone=dict(frozen_stages=-1, norm_eval=False, norm_cfg=norm_cfg, zero_init_residual=False),
    neck=dict(out_channels=128, norm_cfg=norm_cfg),
    rpn_head=dict(
        in_channels=128,
        feat_channels=128,
        anchor_generator=dict(scales=[6], ratios=[0.35, 0.7, 1.4]),
        loss_bbox=dict(loss_weight=2.0),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=128, roi_layer=dict(type="RoIAlign", output_size=7, sampling_ratio=2)
        ),
        bbox_head=dict(
            in_channels=128,
            fc_out_channels=512,
            reg_class_agnostic=True,
            loss_cls=dict(loss_weight=1.5),
            loss_bbox=dict(loss_weight=2.0),
        ),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=300, max_per_img=250),
        rcnn=dict(sampler=dict(num=128, pos_fraction=0.4)),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=600, max_per_img=300, nms=dict(iou_threshold=0.6)),
        rcnn=dict(nms=dict(iou_threshold=0.4)),
    ),
)
