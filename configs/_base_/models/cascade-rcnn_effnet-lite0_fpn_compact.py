"""Cascade R-CNN on EfficientNet-Lite0, as thin as ``faster-rcnn_effnet-lite0_fpn_compact.py``.

Anchors, samples, proposals and weights of the losses are those of the compact Faster R-CNN, so
that the two differ in the cascade alone.
"""

_base_ = ["./cascade-rcnn_r50_fpn.py", "../parts/effnet-lite0_compact.py"]

sampler = dict(num=128, pos_fraction=0.4)
model = dict(
    **_base_.lite0,
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
        bbox_head=[
            dict(
                head,
                in_channels=128,
                fc_out_channels=512,
                loss_cls=dict(head.loss_cls, loss_weight=1.5),
                loss_bbox=dict(head.loss_bbox, loss_weight=2.0),
            )
            for head in _base_.model.roi_head.bbox_head
        ],
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=300, max_per_img=250),
        rcnn=[
            dict(stage, sampler=dict(stage.sampler, **sampler))
            for stage in _base_.model.train_cfg.rcnn
        ],
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=600, max_per_img=300, nms=dict(iou_threshold=0.6)),
        rcnn=dict(nms=dict(iou_threshold=0.4)),
    ),
)
