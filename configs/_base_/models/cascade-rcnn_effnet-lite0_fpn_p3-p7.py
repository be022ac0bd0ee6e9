"""The same with anchors up to 544 px, for fish that fill the picture, and a backbone that skips.

Stochastic depth (drop path, https://arxiv.org/abs/1603.09382) keeps a long schedule on some
hundred photos from learning them by heart. Boxes from a score of 0.001 on are given, so that
precision at high recall is measured too; what is shown is up to ``tools/predict.py``'s thresholds.
"""

_base_ = "./cascade-rcnn_effnet-lite0_fpn_p3.py"

model = dict(
    backbone=dict(timm_options=dict(drop_path_rate=0.1)),
    neck=dict(num_outs=5),
    rpn_head=dict(anchor_generator=dict(strides=[8, 16, 32, 64, 128])),
    test_cfg=dict(rcnn=dict(score_thr=0.001)),
)
