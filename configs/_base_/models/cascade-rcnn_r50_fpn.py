"""mmdet's Cascade R-CNN R50-FPN with RoI features of all levels in one operation.

Ignored boxes (``ignore``, ``iscrowd``) are no background in any stage.
"""

_base_ = "mmdet::_base_/models/cascade-rcnn_r50_fpn.py"

assigner = dict(type="IgnoreRegionAssigner", ignore_iof_thr=0.5)
model = dict(
    roi_head=dict(bbox_roi_extractor=dict(type="MultiLevelRoIExtractor")),
    train_cfg=dict(
        rpn=dict(assigner=assigner),
        rcnn=[
            dict(stage, assigner=dict(stage.assigner, **assigner))
            for stage in _base_.model.train_cfg.rcnn
        ],
    ),
)
