"""Cascade R-CNN on EfficientNet-Lite0 from stride 8 on: accuracy for the minutes of a CPU.

Beside what ``parts/effnet-lite0.py`` says of the backbone:
- The pyramid starts at P3. P2 takes more than half of a training step on a CPU; small fish are
  seen by enlarging the picture instead, which the data set of this recipe does
  (``fish_coco_lsj.py``).
- FPN 128 wide and FCs 512 wide, so that three stages cost a seventh of a step.
- Two anchor scales an octave from 24 px on; RoIs below 112 px are read from P3.
- 128 RoI samples an image and 300 proposals; the box losses count one and a half times.
"""

_base_ = ["./cascade-rcnn_r50_fpn.py", "../parts/effnet-lite0.py"]

width = 128
head = dict(in_channels=width, fc_out_channels=512)
sampler = dict(num=128, pos_fraction=0.3)
model = dict(
    data_preprocessor=_base_.lite0_input,
    backbone=dict(_base_.lite0_backbone, out_indices=(2, 3, 4)),
    neck=dict(in_channels=_base_.lite0_channels[1:], out_channels=width, num_outs=4),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(strides=[8, 16, 32, 64], scales=[3, 4.25]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=width,
            featmap_strides=[8, 16, 32],
            finest_scale=56,
            roi_layer=dict(sampling_ratio=2),
        ),
        bbox_head=[
            dict(stage, **head, loss_bbox=dict(stage.loss_bbox, loss_weight=1.5))
            for stage in _base_.model.roi_head.bbox_head
        ],
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=[
            dict(stage, sampler=dict(stage.sampler, **sampler))
            for stage in _base_.model.train_cfg.rcnn
        ],
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=300)),
)
