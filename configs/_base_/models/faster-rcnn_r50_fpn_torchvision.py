"""mmdet's Faster R-CNN R50-FPN as torchvision's ``fasterrcnn_resnet50_fpn`` computes it.

For torchvision's COCO weights: with mmdet's own anchors (unrounded), RoIAlign (aligned, adaptive)
and batch norm (eps 1e-5, where torchvision sets 0 with these weights) they would start off their
mark. The same as ``fishdet.checkpoint.torchvision.torchvision_config``, which says why of each.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

coder = dict(type="TorchvisionBBoxCoder")
smooth_l1 = dict(type="SmoothL1Loss", beta=1 / 9)
nms = dict(class_agnostic=True, split_thr=0)
model = dict(
    backbone=dict(norm_cfg=dict(eps=0.0), init_cfg=None),
    rpn_head=dict(
        num_convs=1,
        anchor_generator=dict(type="TorchvisionAnchorGenerator"),
        bbox_coder=coder,
        loss_bbox=smooth_l1,
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            type="TorchvisionRoIExtractor", roi_layer=dict(sampling_ratio=2, aligned=False)
        ),
        bbox_head=dict(
            type="TorchvisionBBoxHead", num_shared_fcs=2, bbox_coder=coder, loss_bbox=smooth_l1
        ),
    ),
    train_cfg=dict(rpn_proposal=dict(max_per_img=2000, min_bbox_size=1e-3, nms=nms)),
    test_cfg=dict(rpn=dict(min_bbox_size=1e-3, nms=nms), rcnn=dict(nms=nms)),
)
