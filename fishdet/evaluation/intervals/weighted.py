"""COCO's average precision where each image counts as often as a weight says.

A bootstrap resample of the images is nothing but such weights, so one matching serves a thousand
resamples. With weights of 1 the numbers are those of pycocotools; with a weight of 2 those of a
set that holds the image twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..matching import Matches

RECALL_POINTS = np.linspace(0.0, 1.0, 101)
_TINY = np.spacing(1)  # pycocotools adds it to the number of detections
_BLOCK = 4_000_000  # numbers held at once: detections of a class times resamples


def weighted_scores(matches: Matches, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and recall of each resample, class and IoU threshold.

    Args:
        matches: N images, C classes, T thresholds.
        weights: (B, N) how often each image counts; integers or fractions, not negative.

    Returns:
        AP (B, C, T) over 101 recall points and the largest recall (B, C, T); NaN where a resample
        holds no box of the class.
    """
    shape = (len(weights), matches.positives.shape[1], len(matches.thresholds))
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    by_image = np.ascontiguousarray(weights.T)  # sums run over rows of B numbers
    for label in range(shape[1]):
        rows = matches.of_class(label)
        held = np.flatnonzero(matches.positives[:, label])
        if not held.size:
            continue
        for block in _blocks(len(weights), rows.stop - rows.start):
            wanted = matches.positives[held, label].astype(np.float64) @ by_image[held, block]
            found = _class_scores(matches, rows, by_image[:, block], wanted)
            precision[block, label], recall[block, label] = found
    return precision, recall


def _blocks(resamples: int, detections: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(detections, 1))
    return (slice(start, start + step) for start in range(0, resamples, step))


def _class_scores(
    matches: Matches, rows: slice, weights: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(B, T) AP and recall of one class; (N, B) weights, and (B,) the weight of its boxes."""
    own = weights[matches.image_row[rows]]
    counted = np.cumsum(own, axis=0)
    shape = (len(wanted), len(matches.thresholds))
    precision, recall = np.zeros(shape), np.zeros(shape)
    for t in range(shape[1]):
        right = np.flatnonzero(matches.right[rows, t])
        if not right.size:
            continue
        total = counted[right]
        ignored = np.flatnonzero(matches.ignored[rows, t])
        if ignored.size:
            without = np.cumsum(own[ignored], axis=0)
            before = np.searchsorted(ignored, right)
            total[before > 0] -= without[before[before > 0] - 1]
        hits = np.cumsum(own[right], axis=0, dtype=np.float64)
        precision[:, t], recall[:, t] = _average(hits, total, wanted)
    precision[wanted == 0] = recall[wanted == 0] = np.nan
    return precision, recall


def _average(
    hits: np.ndarray, total: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(B,) AP and recall from true positives and detections so far (P, B) at P true positives.

    Precision falls between two true positives, so the largest precision from a recall on is that
    at a true positive: the others need not be looked at. A recall point belongs to the first true
    positive that reaches it.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / wanted
    envelope = np.maximum.accumulate((hits / (total + _TINY))[::-1], axis=0)[::-1]
    reached = np.searchsorted(RECALL_POINTS, recall, side="right")
    points = np.diff(reached, axis=0, prepend=0)
    return (envelope * points).sum(axis=0) / len(RECALL_POINTS), recall[-1]
