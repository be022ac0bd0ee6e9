"""From which score on a detection is worth showing, for each species."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .outcomes import Outcomes


def f1_thresholds(found: Outcomes, scores: np.ndarray | None = None) -> dict[str, float]:
    """Return the threshold of the best F1 at IoU 0.5 for each class; see ``f1_best``.

    Args:
        found: K detections.
        scores: (K,) other scores for them, such as calibrated ones.

    Returns:
        One for each class that has a box and a right detection; the others have none.
    """
    return _each(found, scores, f1_best)


def precision_thresholds(
    found: Outcomes, target: float, scores: np.ndarray | None = None
) -> dict[str, float]:
    """Return for each class the lowest threshold from which on precision is at least ``target``.

    Classes that reach it nowhere are left out. Arguments as above.
    """
    return _each(found, scores, lambda points, right, _: _lowest(points, right, target))


def f1_best(scores: np.ndarray, right: np.ndarray, wanted: int) -> float | None:
    """The score whose detections from there on have the largest F1 = 2 TP / (detections + boxes).

    The highest of several. None without a right detection.
    """
    points, hits, counts = _curve(scores, right)
    if not right.any():
        return None
    return float(points[np.argmax(2 * hits / (counts + wanted))])


def _lowest(scores: np.ndarray, right: np.ndarray, target: float) -> float | None:
    points, hits, counts = _curve(scores, right)
    reached = np.flatnonzero(hits >= target * counts)
    return float(points[reached[-1]]) if reached.size else None


def _curve(scores: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different scores from the best down, right ones and detections from each on."""
    order = np.argsort(-scores, kind="stable")
    points = scores[order]
    last = np.flatnonzero(np.diff(points, append=-1.0))
    return points[last], np.cumsum(right[order])[last], last + 1


def _each(
    found: Outcomes,
    scores: np.ndarray | None,
    choose: Callable[[np.ndarray, np.ndarray, int], float | None],
) -> dict[str, float]:
    used = found.scores if scores is None else scores
    chosen = {}
    for label, name in enumerate(found.classes):
        of = found.labels == label
        value = choose(used[of], found.right[of], int(found.positives[label]))
        if value is not None and found.positives[label]:
            chosen[name] = value
    return chosen
