"""Is a species in the picture at all? Precision, recall, F1 and AP of its presence.

A species is present in an image that holds a counted or a crowd box of it. Its presence is
predicted with the best score of its detections there. Ignored regions are as if they were not in
the picture: what lies on them was left out of both sides before. AP is that of retrieval, the
mean over the images that hold the species of the precision at their score, without
interpolation, equal scores together:
https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html,
2026-11-25.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations

from ..matching import Matches
from ..ordering import best_first


def present(annotations: Annotations) -> np.ndarray:
    """(N, C) bool, which species are in which image."""
    result = np.zeros((annotations.num_images, len(annotations.classes)), bool)
    known = ~annotations.ignore
    result[annotations.box_image[known], annotations.labels[known]] = True
    return result


def best_scores(matches: Matches) -> np.ndarray:
    """(N, C) best score of each species in each image, -inf where it was not detected."""
    best = np.full(matches.positives.shape, -np.inf)
    first = matches.rank == 0
    best[matches.image_row[first], matches.labels[first]] = matches.scores[first]
    return best


def presence_scores(
    annotations: Annotations, matches: Matches, thresholds: Sequence[float | None]
) -> list[dict[str, Any]]:
    """Scores of each class.

    Args:
        annotations: ground truth of N images and C classes.
        matches: of the detections.
        thresholds: C scores from which a species counts as seen; None: it is never seen.

    Returns:
        For each class ``images`` that hold it, ``predicted`` images, ``precision`` (None where
        none is predicted), ``recall``, ``f1``, ``AP`` (these None where no image holds it).
    """
    truth, scores = present(annotations), best_scores(matches)
    limits = np.array([np.inf if t is None else t for t in thresholds])
    seen = scores >= limits
    return [_row(truth[:, k], seen[:, k], scores[:, k]) for k in range(truth.shape[1])]


def retrieval_ap(truth: np.ndarray, scores: np.ndarray) -> float:
    """Non-interpolated AP of (N,) scores; -inf is never retrieved. NaN without positives."""
    positives = int(truth.sum())
    if positives == 0:
        return float("nan")
    detected = np.flatnonzero(np.isfinite(scores))
    if len(detected) == 0:
        return 0.0
    order = detected[best_first(scores[detected])]
    found = np.cumsum(truth[order])
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    precision = found[last] / (last + 1)
    return float((np.diff(found[last], prepend=0) * precision).sum() / positives)


def _row(truth: np.ndarray, seen: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    images, predicted, right = int(truth.sum()), int(seen.sum()), int((truth & seen).sum())
    known = images > 0
    return {
        "images": images,
        "predicted": predicted,
        "precision": right / predicted if predicted else None,
        "recall": right / images if known else None,
        "f1": 2 * right / (images + predicted) if known else None,
        "AP": retrieval_ap(truth, scores) if known else None,
    }
