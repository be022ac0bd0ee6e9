"""The species that came second for each box."""

from __future__ import annotations

import numpy as np

from .boxes import Boxes

SAME_BOX = 0.01  # pixels


def runner_up(boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """Return the label (N,), -1 where unknown, and the score (N,), NaN there, of the next class."""
    rows = np.arange(len(boxes))
    others = boxes.class_scores.copy()
    others[rows, boxes.labels] = np.nan
    filled = np.where(np.isnan(others), -np.inf, others)
    labels = filled.argmax(axis=1) if filled.size else np.zeros(len(boxes), np.int64)
    known = np.isfinite(filled[rows, labels]) if filled.size else np.zeros(len(boxes), bool)
    scores = np.where(known, filled[rows, labels] if filled.size else 0, np.nan)
    return np.where(known, labels, -1), scores.astype(np.float32)


def from_other_labels(
    xyxy: np.ndarray, scores: np.ndarray, labels: np.ndarray, classes: int
) -> np.ndarray:
    """Return class scores (N, C), put together from boxes that are one under several labels.

    A single-stage detector returns the same box once for every label that passes its own
    threshold and NMS. The rest is NaN.
    """
    table = np.full((len(scores), classes), np.nan, np.float32)
    for row, box in enumerate(xyxy):
        same = np.flatnonzero(np.abs(xyxy - box).max(axis=1) < SAME_BOX)
        np.fmax.at(table[row], labels[same], scores[same])
    return table
