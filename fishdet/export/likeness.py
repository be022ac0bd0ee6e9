"""How far detections have moved: what a change of a network costs, without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import supervision as sv

LEAST = 0.05  # boxes less sure than this count on neither side


def damage(before: Sequence[sv.Detections], after: Sequence[sv.Detections]) -> float:
    """Return how unlike two runs over the same pictures are, 0 (equal) to 1 (nothing in common).

    Each box of either side is worth its score, and finds the box of its class on the other side
    that is most like it: overlap (IoU) times the quotient of the lower score and the higher.
    """
    worth = kept = 0.0
    for one, other in zip(before, after, strict=True):
        for from_, to in ((one, other), (other, one)):
            scores, likeness = _likeness(from_, to)
            worth += float(scores.sum())
            kept += float((scores * likeness).sum())
    return 1.0 - kept / worth if worth else 0.0


def _likeness(one: sv.Detections, other: sv.Detections) -> tuple[np.ndarray, np.ndarray]:
    """The scores of ``one``'s boxes, and how like the most alike of ``other`` is to each."""
    one, other = (side[np.asarray(side.confidence) >= LEAST] for side in (one, other))
    scores, others = np.asarray(one.confidence, float), np.asarray(other.confidence, float)
    if len(one) == 0 or len(other) == 0:
        return scores, np.zeros(len(one))
    quotient = np.minimum.outer(scores, others) / np.maximum.outer(scores, others)
    alike = np.asarray(one.class_id)[:, None] == np.asarray(other.class_id)[None]
    overlap = sv.box_iou_batch(one.xyxy, other.xyxy)
    return scores, (overlap * quotient * alike).max(axis=1)
