"""Faster R-CNN R50-FPN with the loss of ``long_tail/eql.py``, 12 epochs at full size."""

_base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/long_tail/eql.py"]

model = _base_.eql
custom_hooks = [*_base_.custom_hooks, _base_.image_shares]
