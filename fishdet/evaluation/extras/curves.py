"""Precision–recall curves per species, and the threshold of the best F1, at IoU 0.5.

F1 = 2·TP / (2·TP + FP + FN), van Rijsbergen's measure with beta 1:
https://en.wikipedia.org/wiki/F-score, 2026-11-25.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..matching import Matches
from .precision import RECALLS, precision_at_recalls


def curve(matches: Matches, label: int) -> dict[str, list[float | None]]:
    """The curve of one class at the first IoU threshold, at COCO's 101 recalls.

    Returns:
        ``recall``, ``precision`` (interpolated, 0 where the recall is not reached) and ``score``,
        the score down to which detections are to be kept for that recall (None where not reached).
        Empty lists where the class has no box.
    """
    rows = matches.of_class(label)
    positives = int(matches.positives[:, label].sum())
    if positives == 0:
        return {"recall": [], "precision": [], "score": []}
    right, counted = matches.right[rows, :1], ~matches.ignored[rows, :1]
    precision = precision_at_recalls(right, counted, positives)[:, 0]
    recall = np.cumsum(right[:, 0]) / positives
    at = np.searchsorted(recall, RECALLS, side="left")
    scores = matches.scores[rows]
    return {
        "recall": RECALLS.tolist(),
        "precision": precision.tolist(),
        "score": [float(scores[i]) if i < len(scores) else None for i in at.tolist()],
    }


def best_f1(matches: Matches, label: int) -> dict[str, Any]:
    """The score threshold at which the F1 of a class is best, at the first IoU threshold.

    A threshold keeps all detections of its score or above, so equal scores stand or fall
    together. Of several thresholds as good, the highest.

    Returns:
        ``threshold``, ``precision``, ``recall``, ``f1``; all None where the class has no box.
        Where nothing was found the threshold is None and recall and F1 are 0.
    """
    rows = matches.of_class(label)
    positives = int(matches.positives[:, label].sum())
    if positives == 0:
        return dict.fromkeys(("threshold", "precision", "recall", "f1"))
    scores = matches.scores[rows]
    right = np.cumsum(matches.right[rows, 0])
    kept = np.cumsum(~matches.ignored[rows, 0])
    f1 = 2 * right / np.maximum(kept + positives, 1)
    if not len(scores) or right[-1] == 0:
        return {"threshold": None, "precision": None, "recall": 0.0, "f1": 0.0}
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    best = last[int(np.argmax(f1[last]))]
    return {
        "threshold": float(scores[best]),
        "precision": float(right[best] / kept[best]),
        "recall": float(right[best] / positives),
        "f1": float(f1[best]),
    }
