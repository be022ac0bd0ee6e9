"""The last step of an R-CNN: which of all boxes of all classes stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.models.layers import multiclass_nms
from torch import Tensor

from tvops.nms import best_nms


def best_boxes(
    boxes: Tensor, scores: Tensor, score_thr: float, nms: Mapping[str, Any], limit: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Suppress within each class until enough boxes are kept.

    mmdet's ``multiclass_nms`` moves each class's boxes to a place of their own, which rounds their
    corners, compares all with all, and drops those beyond ``limit``. Other kinds than plain NMS,
    and other devices, take that way.

    Args:
        boxes: (R, C * 4) or (R, 4), corners.
        scores: (R, C + 1), the last column of the background.
        score_thr: boxes at or below it are dropped.
        nms: as in a config: ``type``, ``iou_threshold``.
        limit: boxes kept at most; below 1 all.

    Returns:
        Boxes (K, 4), scores (K,), labels (K,) and rows (K,) of ``boxes``, best first.
    """
    classes = scores.shape[1] - 1
    plain = set(nms) <= {"type", "iou_threshold"} and nms.get("type", "nms") == "nms"
    if not plain or boxes.device.type != "cpu":
        kept, labels, rows = multiclass_nms(boxes, scores, score_thr, nms, limit, return_inds=True)
        return kept[:, :4], kept[:, 4], labels, rows[: len(kept)] // classes
    rows, labels = (scores[:, :-1] > score_thr).nonzero(as_tuple=True)
    picked = scores[rows, labels]
    corners = boxes[rows] if boxes.shape[1] == 4 else boxes.view(len(boxes), -1, 4)[rows, labels]
    threshold = float(nms.get("iou_threshold", 0.5))
    kept = best_nms(corners, picked, threshold, limit, labels)
    return corners[kept], picked[kept], labels[kept], rows[kept]
