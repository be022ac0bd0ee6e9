"""mmdet's Faster R-CNN R50-FPN with RoI features of all levels in one operation."""

_base_ = "mmdet::_base_/models/faster-rcnn_r50_fpn.py"

model = dict(roi_head=dict(bbox_roi_extractor=dict(type="MultiLevelRoIExtractor")))
