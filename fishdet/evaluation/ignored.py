"""Detections that fall on ignored boxes, which are to be counted neither as right nor as wrong."""

from __future__ import annotations

import numpy as np

from fish_dataset.annotations import Annotations

from .detections import Detections

INSIDE = 0.5
"""Share of a detection's area inside one ignored box, as in training
(``IgnoreRegionAssigner.ignore_iof_thr``)."""

_FOUND = 0.5  # IoU, COCO's lowest threshold


def without_ignored(annotations: Annotations, detections: Detections) -> Detections:
    """Leave out the detections on ignored boxes, whatever their class.

    An ignored box may be of any species ("a fish, not told which"), so a detection of any class
    that lies in it by more than half of its own area is left out, unless it finds a counted box
    of its own class (IoU of at least 0.5). COCO's way with crowds, the same class alone and at
    each IoU threshold anew, would punish detections of other classes, and tight thresholds loose
    boxes.

    Args:
        annotations: Ground truth; its ``ignore`` boxes are looked at, crowds are not.
        detections: Of the pictures of ``annotations``.
    """
    if not annotations.ignore.any() or not len(detections):
        return detections
    keep = np.ones(len(detections), dtype=bool)
    corners = annotations.bboxes.astype(np.float64)
    corners[:, 2:] += corners[:, :2]
    order = np.argsort(detections.image_row, kind="stable")
    rows = np.unique(annotations.box_image[annotations.ignore])
    starts = np.searchsorted(detections.image_row[order], rows)
    ends = np.searchsorted(detections.image_row[order], rows, side="right")
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        found, boxes = order[start:end], annotations.boxes_of(row)
        ignored = annotations.ignore[boxes]
        counted = ~ignored & ~annotations.crowd[boxes]
        shared = _intersections(detections.bboxes[found], corners[boxes])
        own = _areas(detections.bboxes[found])[:, None]
        inside = shared[:, ignored] > INSIDE * own
        iou_hit = shared >= _FOUND * (own + _areas(corners[boxes]) - shared)
        same = detections.labels[found][:, None] == annotations.labels[boxes]
        keep[found] = ~inside.any(axis=1) | (iou_hit & same & counted).any(axis=1)
    return detections if keep.all() else _select(detections, keep)


def _areas(corners: np.ndarray) -> np.ndarray:
    sides = np.maximum(corners[:, 2:].astype(np.float64) - corners[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def _intersections(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(K, M) areas that K and M boxes share."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def _select(detections: Detections, keep: np.ndarray) -> Detections:
    return Detections(
        detections.image_row[keep],
        detections.bboxes[keep],
        detections.scores[keep],
        detections.labels[keep],
    )
