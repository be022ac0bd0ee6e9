"""Average precision from flags: which detections are right, and how many boxes there are.

COCO's definition (precision at 101 recalls, each the best at that recall or above), as
pycocotools ``COCOeval.accumulate`` computes it:
https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py, 2026-11-25.
"""

from __future__ import annotations

import numpy as np

RECALLS = np.linspace(0.0, 1.0, 101)
_EPS = np.spacing(1)


def precision_at_recalls(right: np.ndarray, counted: np.ndarray, positives: int) -> np.ndarray:
    """(101, T) interpolated precision; 0 at recalls that are not reached.

    Args:
        right: (K, T) bool, true positives, from the best score down.
        counted: (K, T) bool, false for detections that count neither way.
        positives: boxes to be found, at least 1.
    """
    right, counted = np.ascontiguousarray((right & counted).T), np.ascontiguousarray(counted.T)
    result = np.zeros((len(RECALLS), len(right)))
    for column, (hit, known) in enumerate(zip(right, counted, strict=True)):
        hits = np.flatnonzero(hit)
        seen = np.cumsum(known, dtype=np.int32)[hits]
        result[:, column] = precision_of_hits(seen, positives)
    return result


def precision_of_hits(seen: np.ndarray, positives: int) -> np.ndarray:
    """(101,) interpolated precision, which has its peaks where a box is found.

    Args:
        seen: (n,) for each true positive, from the best score down: how many detections count
            down to it, itself among them.
        positives: boxes to be found, at least 1.
    """
    return precision_of_runs(seen, np.array([0, len(seen)]), np.array([positives]))[0]


def precision_of_runs(seen: np.ndarray, ends: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """(R, 101) what :func:`precision_of_hits` gives for each of R runs.

    Args:
        seen: (n,) as there, one run behind the other.
        ends: (R + 1,) ascending; run i is ``seen[ends[i]:ends[i + 1]]``.
        positives: (R,) boxes to be found, at least 1.
    """
    start, stop, boxes = ends[:-1, None], ends[1:, None], positives[:, None]
    precision = (np.arange(1, len(seen) + 1) - np.repeat(ends[:-1], np.diff(ends))) / (seen + _EPS)
    # pycocotools looks the recalls up in found / positives: the same division, bit by bit
    needed = np.ceil(RECALLS * boxes)
    needed += needed / boxes < RECALLS
    needed -= (needed - 1) / boxes >= RECALLS
    at = np.minimum(start + np.maximum(needed.astype(np.int64) - 1, 0), stop)
    # the best between a recall and the next, then from each recall on
    best = np.maximum.reduceat(np.append(precision, 0.0), at.ravel()).reshape(at.shape)
    best[at == stop] = 0
    return np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]


def average_precision(right: np.ndarray, counted: np.ndarray, positives: int) -> np.ndarray:
    """(T,) mean of :func:`precision_at_recalls`; NaN where there is no box to be found."""
    if positives == 0:
        return np.full(right.shape[1], np.nan)
    return precision_at_recalls(right, counted, positives).mean(axis=0)


def mean_of_defined(values: np.ndarray) -> float:
    """Mean of what is not NaN; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
