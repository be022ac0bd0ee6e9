"""The score of every class for each box, from mmdet's heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmengine.structures import InstanceData

from .boxes import Boxes
from .runner_up import from_other_labels
from .suppression import best_boxes


def keep_class_scores(model: torch.nn.Module) -> bool:
    """Let the R-CNN heads of ``model`` return ``class_scores`` (N, C) beside boxes and scores.

    The class scores are those of the RoI that the kept box was decoded from. The steps are those
    of ``BBoxHead`` of MMDetection with the kept rows remembered, so boxes and scores are the same;
    boxes are decoded in fp32 whatever the network computes in.
    Heads that decode in a way of their own are left as they are.

    Returns:
        Whether there is a head that returns them.
    """
    heads = [head for head in model.modules() if isinstance(head, BBoxHead)]
    plain = [
        h for h in heads if type(h)._predict_by_feat_single is BBoxHead._predict_by_feat_single
    ]
    for head in plain:
        head._predict_by_feat_single = _Remembering(head)
    return bool(plain)


class _Remembering:
    """``BBoxHead._predict_by_feat_single`` of one head, with the class scores of what is kept."""

    def __init__(self, head: BBoxHead) -> None:
        self._single = head._predict_by_feat_single

    def __call__(self, roi: torch.Tensor, *args: Any, **kwargs: Any) -> InstanceData:
        test_cfg = kwargs.pop("rcnn_test_cfg", None)
        if test_cfg is None or roi.shape[0] == 0:
            return self._single(roi, *args, rcnn_test_cfg=test_cfg, **kwargs)
        # Under bf16 a decoded corner near 256 would be rounded to whole pixels, one near 1000 to 4.
        exact = [v.float() if isinstance(v, torch.Tensor) else v for v in (roi, *args)]
        kwargs = {k: v.float() if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()}
        raw = self._single(*exact, rcnn_test_cfg=None, **kwargs)
        limits = (test_cfg.score_thr, test_cfg.nms, test_cfg.max_per_img)
        boxes, scores, labels, rows = best_boxes(raw.bboxes, raw.scores, *limits)
        found = InstanceData(bboxes=boxes, scores=scores, labels=labels)
        found.class_scores = raw.scores[rows, :-1]
        return found


def boxes_of(found: InstanceData, classes: int) -> Boxes:
    """Return a network's output as arrays.

    Where the network gives no class scores, those of one box under several labels are put
    together from its outputs: a single-stage detector returns the same box once for every label
    that passes its own threshold and NMS. The rest is NaN.
    """
    xyxy = found.bboxes.float().cpu().numpy().reshape(-1, 4)
    scores = found.scores.float().cpu().numpy()
    labels = found.labels.cpu().numpy().astype(np.int64)
    if "class_scores" in found and len(found.class_scores) == len(scores):
        class_scores = found.class_scores.float().cpu().numpy().reshape(-1, classes)
    else:
        class_scores = from_other_labels(xyxy, scores, labels, classes)
    return Boxes(xyxy, scores, labels, class_scores)
