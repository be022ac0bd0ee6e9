"""mmdet's RetinaNet R50-FPN; ignored boxes (``ignore``, ``iscrowd``) are no background."""

_base_ = "mmdet::_base_/models/retinanet_r50_fpn.py"

model = dict(train_cfg=dict(assigner=dict(type="IgnoreRegionAssigner", ignore_iof_thr=0.5)))
