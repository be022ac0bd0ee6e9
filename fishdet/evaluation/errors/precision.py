"""Precision, recall and average precision at one IoU, from who is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RECALLS = np.linspace(0, 1, 101)
"""COCO's recall points."""


@dataclass(frozen=True)
class Curve:
    """Of one class or of all together, K detections, best first.

    Attributes:
        precision: (K,) of the detections up to each one.
        recall: (K,) likewise.
        scores: (K,) their scores.
    """

    precision: np.ndarray
    recall: np.ndarray
    scores: np.ndarray


def curve(correct: np.ndarray, scores: np.ndarray, boxes: int) -> Curve:
    """Precision and recall after each detection.

    Args:
        correct: (K,) bool, best first.
        scores: (K,).
        boxes: Number to be found, at least 1.
    """
    right = np.cumsum(correct)
    return Curve(right / np.arange(1, len(right) + 1), right / boxes, scores)


def interpolated(drawn: Curve) -> np.ndarray:
    """(101,) COCO's precision at ``RECALLS``: the best at that recall or any higher one, 0 beyond
    the highest."""
    best = np.maximum.accumulate(drawn.precision[::-1])[::-1]
    place = np.searchsorted(drawn.recall, RECALLS, side="left")
    return np.append(best, 0.0)[place]


def class_ap(
    labels: np.ndarray, correct: np.ndarray, boxes: np.ndarray, scored: np.ndarray
) -> np.ndarray:
    """(C,) AP of each class; NaN where there is nothing to be found and nothing was detected.

    Args:
        labels: (K,) int64, best detection first.
        correct: (K,) bool.
        boxes: (C,) int64, boxes to be found of each class. A class with 0 boxes and some
            detections has AP 0, as in TIDE's code (a correction may take all boxes away).
        scored: (C,) bool, classes to score; the others are NaN.
    """
    result = np.full(len(boxes), np.nan)
    for label in np.flatnonzero(scored):
        mine = correct[labels == label]
        if boxes[label]:
            result[label] = interpolated(curve(mine, mine, int(boxes[label]))).mean()
        elif len(mine):
            result[label] = 0.0
    return result


def best_f1(drawn: Curve) -> tuple[float, float]:
    """The score from which F1 is highest, and that F1; (0, 0) without a right detection.

    Detections of one score stand or fall together.
    """
    total = drawn.precision + drawn.recall
    f1 = np.divide(2 * drawn.precision * drawn.recall, total,
                   out=np.zeros_like(total), where=total > 0)  # fmt: skip
    last = np.append(drawn.scores[1:] != drawn.scores[:-1], True)[: len(f1)]
    f1 = np.where(last, f1, 0)
    if not f1.any():
        return 0.0, 0.0
    place = int(f1.argmax())
    return float(drawn.scores[place]), float(f1[place])
