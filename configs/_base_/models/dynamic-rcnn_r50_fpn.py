"""Dynamic R-CNN R50-FPN: the second stage asks for better boxes as training goes on.

Numbers as in mmdet's ``dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco.py``.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

nms = dict(iou_threshold=0.85)
schedule = dict(
    iou_topk=75, beta_topk=10, update_iter_interval=100, initial_iou=0.4, initial_beta=1.0
)
model = dict(
    roi_head=dict(
        type="DynamicRoIHead",
        bbox_head=dict(loss_bbox=dict(_delete_=True, type="SmoothL1Loss", beta=1.0)),
    ),
    train_cfg=dict(rpn_proposal=dict(nms=nms), rcnn=dict(dynamic_rcnn=schedule)),
    test_cfg=dict(rpn=dict(nms=nms)),
)
