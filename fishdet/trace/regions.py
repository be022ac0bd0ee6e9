"""The RoI head's way from proposals to boxes with classes, step by step, with the rows kept.

The steps are those of mmdet's ``BBoxHead._predict_by_feat_single`` and ``multiclass_nms``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.layers import multiclass_nms
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Regions:
    """What the RoI head makes of R proposals, with C classes; M of the R·C pairs are candidates.

    Attributes:
        rois: (R, 4) proposals, xyxy pixels of the network's input.
        level: (R,) int64, the pyramid level that RoIAlign reads each from.
        logits: (R, C + 1), the last for background.
        scores: (R, C + 1) softmax of them.
        deltas: (R, 4) or (R, 4·C) as the network gives them: one box for all classes, or one each.
        boxes: (R, C, 4) decoded and clipped, pixels of the picture as it was given.
        candidate_roi, candidate_label: (M,) int64, the pairs above the model's own score threshold
            in the order that NMS is given them.
        kept: (K,) int64 candidates that NMS leaves, best first, no more than ``max_per_img``.
        before_limit: how many NMS left before ``max_per_img``.
        settings: score_thr, iou_threshold, max_per_img; class_agnostic, whether boxes of all
            classes compete in NMS; stds that the deltas are multiplied by.
    """

    rois: Tensor
    level: Tensor
    logits: Tensor
    scores: Tensor
    deltas: Tensor
    boxes: Tensor
    candidate_roi: Tensor
    candidate_label: Tensor
    kept: Tensor
    before_limit: int
    settings: dict[str, Any]

    @property
    def candidate_scores(self) -> Tensor:
        """(M,) scores of the candidates."""
        return self.scores[self.candidate_roi, self.candidate_label]

    @property
    def candidate_boxes(self) -> Tensor:
        """(M, 4) boxes of the candidates, pixels of the picture as it was given."""
        return self.boxes[self.candidate_roi, self.candidate_label]

    def candidate_deltas(self) -> Tensor:
        """(M, 4) deltas that the candidates' boxes come from."""
        per_class = self.deltas.reshape(len(self.deltas), -1, 4)
        label = self.candidate_label if per_class.shape[1] > 1 else self.candidate_label * 0
        return per_class[self.candidate_roi, label]


def classify(
    head: Any, rois: Tensor, levels: Tensor, output: tuple[Tensor, Tensor], meta: dict[str, Any]
) -> Regions:
    """Repeat the steps behind the head's last layers.

    Args:
        head: mmdet's ``RoIHead`` with its ``bbox_head`` and ``test_cfg``.
        rois: (R, 5).
        levels: (R,).
        output: logits and deltas.
        meta: with ``img_shape`` and ``scale_factor``.
    """
    cfg, box_head = head.test_cfg, head.bbox_head
    logits, deltas = (one.float() for one in output)
    classes = box_head.num_classes
    raw = box_head._predict_by_feat_single(
        rois, logits, deltas, meta, rescale=True, rcnn_test_cfg=None
    )
    scores = raw.scores
    pairs = (scores[:, :-1] > cfg.score_thr).reshape(-1).nonzero()[:, 0]
    limits = (raw.bboxes, scores, cfg.score_thr, cfg.nms)
    rows, before = pairs[:0], 0
    if len(pairs):
        every = multiclass_nms(*limits, -1, return_inds=True)[2]
        before = len(every)
        rows = every[: cfg.max_per_img] if cfg.max_per_img > 0 else every
    boxes = raw.bboxes.reshape(len(rois), -1, 4)
    return Regions(
        rois=rois[:, 1:],
        level=levels,
        logits=logits,
        scores=scores,
        deltas=deltas,
        boxes=boxes.expand(-1, classes, -1),
        candidate_roi=pairs // classes,
        candidate_label=pairs % classes,
        kept=torch.searchsorted(pairs, rows),
        before_limit=before,
        settings=_settings(head, len(pairs)),
    )


def nothing(head: Any, device: torch.device) -> Regions:
    """Return the regions of a picture in which the RPN proposed nothing."""
    classes = head.bbox_head.num_classes
    rows = torch.zeros(0, dtype=torch.long, device=device)
    wide = torch.zeros(0, classes + 1, device=device)
    flat = torch.zeros(0, 4, device=device)
    boxes = torch.zeros(0, classes, 4, device=device)
    return Regions(
        flat, rows, wide, wide, flat, boxes, rows, rows, rows, 0, _settings(head, len(rows))
    )


def _settings(head: Any, candidates: int) -> dict[str, Any]:
    nms = head.test_cfg.nms
    # mmcv's batched_nms takes class by class from so many boxes on, whatever class_agnostic says.
    agnostic = nms.get("class_agnostic", False) and candidates < nms.get("split_thr", 10_000)
    return {
        "score_thr": float(head.test_cfg.score_thr),
        "iou_threshold": float(nms.iou_threshold),
        "max_per_img": int(head.test_cfg.max_per_img),
        "class_agnostic": bool(agnostic),
        "stds": list(head.bbox_head.bbox_coder.stds),
    }
