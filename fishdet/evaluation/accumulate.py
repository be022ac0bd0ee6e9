"""COCO's precision and recall over columns: no dict a box, and every image and class at once.

The rules are those of pycocotools ``COCOeval`` (``evaluateImg`` and ``accumulate``,
https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py, 2026-11-28):
boxes outside the range of areas are taken only where no counted box is left and count neither way,
and so does a detection outside the range that takes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fish_dataset.annotations import Annotations

from .candidates import IOU_THRESHOLDS, Candidates, assign

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points."""
AREAS = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
"""Least and largest area in square pixels: all, small, medium, large."""


def precision_recall(
    annotations: Annotations, candidates: Candidates, max_dets: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return COCO's tables; -1 where a class has no box in a range.

    Args:
        annotations: ground truth.
        candidates: the last of ``max_dets`` of the detections, at COCO's thresholds.
        max_dets: M best detections of an image and class that count, ascending.

    Returns:
        Precision float64 (10 IoU, 101 recalls, C, 4 areas, M) and recall (10, C, 4, M).
    """
    classes = len(annotations.classes)
    thresholds, limits = len(IOU_THRESHOLDS), len(max_dets)
    precision = np.full((thresholds, len(RECALLS), classes, len(AREAS), limits), -1.0)
    recall = np.full((thresholds, classes, len(AREAS), limits), -1.0)
    labels = candidates.kept.labels
    borders = np.searchsorted(labels, np.arange(classes + 1))
    for area, limits_of_area in enumerate(AREAS):
        right, ignored, counted = _outcomes(annotations, candidates, limits_of_area)
        positives = np.bincount(annotations.labels[counted], minlength=classes)
        for label in np.flatnonzero(positives).tolist():
            own = slice(borders[label], borders[label + 1])
            for index, limit in enumerate(max_dets):
                near = candidates.rank[own] < limit
                curve = _curve(right[own][near], ignored[own][near], int(positives[label]))
                precision[:, :, label, area, index], recall[:, label, area, index] = curve
    return precision, recall


def _outcomes(
    annotations: Annotations, candidates: Candidates, limits: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right and ignored (K, T) bool of the detections, and counted (N,) bool of the boxes."""
    low, high = limits
    counted = ~candidates.region & (annotations.areas >= low) & (annotations.areas <= high)
    outside = (candidates.areas < low) | (candidates.areas > high)
    if np.array_equal(counted, ~candidates.region):
        pairs, taken = candidates.of_all_sizes
    else:
        pairs = candidates.preferring(counted)
        taken = assign(pairs, candidates.rank, candidates.region, IOU_THRESHOLDS)
    matched = taken >= 0
    right = np.zeros_like(matched)
    right[matched] = counted[pairs.box[taken[matched]]]
    return right, np.where(matched, ~right, outside[:, None]), counted


def _curve(right: np.ndarray, ignored: np.ndarray, positives: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, 101) and recall (T,) of the detections (n, T) of a class, best first.

    Precision has its peaks, and recall its steps, at the right detections: the others are only
    counted. (pycocotools adds 2e-16 to a denominator, so that 1 is not quite reached.)
    """
    seen = np.cumsum(~ignored, axis=0, dtype=np.int32)
    precision = np.zeros((right.shape[1], len(RECALLS)))
    found = right.sum(axis=0)
    for column, number in enumerate(found.tolist()):
        if number == 0:
            continue
        hits = np.arange(1, number + 1)
        values = hits / seen[right[:, column], column]
        highest = np.maximum.accumulate(values[::-1])[::-1]
        place = np.searchsorted(hits / positives, RECALLS)
        reached = place < number
        precision[column, reached] = highest[place[reached]]
    return precision, found / positives
