"""Faster R-CNN R50-FPN with GIoU as the loss of the final boxes."""

_base_ = "./faster-rcnn_r50_fpn_1x_fish.py"

loss = dict(_delete_=True, type="GIoULoss", loss_weight=10.0)
model = dict(roi_head=dict(bbox_head=dict(reg_decoded_bbox=True, loss_bbox=loss)))
