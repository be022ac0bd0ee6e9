"""AP by size, in bins of the data set's own box areas, and AP over all detections pooled.

COCO's borders (32², 96² px) put most fish of many data sets into one bin. Here the borders are
quantiles of the areas of the counted boxes, so that each bin holds as many. Detections are matched
once over all sizes; a detection belongs to the bin of the box that it takes, one that takes none
to the bin of its own area, or the nearest. (COCO matches anew in each bin and prefers boxes of the
bin; the two differ only where boxes of two bins overlap.)

The pooled AP ranks the detections of all classes in one list, matched within their classes: the
AP^Pool of Dave et al., https://arxiv.org/abs/2102.01066, 2026-11-25. It counts species by their
boxes (micro average) and, unlike mAP (macro), asks that scores of different species compare.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations

from ..matching import Matches
from .precision import average_precision, best_first, mean_of_defined

BINS = 4


def pooled_ap(matches: Matches) -> np.ndarray:
    """(T,) AP of all detections in one ranking."""
    order = best_first(matches.scores)
    positives = int(matches.positives.sum())
    return average_precision(matches.right[order], ~matches.ignored[order], positives)


def size_edges(areas: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Ascending borders of up to ``bins`` bins: quantiles of ``areas`` (px²), those that repeat
    once. Bin i holds areas above border i up to border i + 1; the first one its lower border too.
    """
    return np.unique(np.quantile(areas.astype(np.float64), np.linspace(0, 1, bins + 1)))


def by_size(
    annotations: Annotations, matches: Matches, areas: np.ndarray, bins: int = BINS
) -> dict[str, Any]:
    """AP in bins of the counted boxes' areas.

    Args:
        annotations: ground truth.
        matches: of its detections at T thresholds.
        areas: (K,) px², of the detections in the order of ``matches``.
        bins: how many; fewer where quantiles coincide.

    Returns:
        ``bins``: for each ``area`` (border below and above, px²), ``boxes``, ``AP`` (mean over
        species and thresholds), ``AP50``; ``macro``: mean AP of the bins; ``micro``: their mean
        by boxes. An empty list and NaN where there is no box.
    """
    counted = ~(annotations.crowd | annotations.ignore)
    sizes = annotations.areas.astype(np.float64)
    if not counted.any():
        return {"bins": [], "macro": float("nan"), "micro": float("nan")}
    edges = size_edges(sizes[counted], bins)
    last = max(len(edges) - 2, 0)
    box_bin, own = (
        np.clip(np.searchsorted(edges, column, side="left") - 1, 0, last)
        for column in (sizes, areas)
    )
    held = np.where(matches.box >= 0, box_bin[matches.box], own[:, None])
    rows = [
        {"area": [float(edges[i]), float(edges[min(i + 1, len(edges) - 1)])]}
        | _bin(annotations, matches, held == i, counted & (box_bin == i))
        for i in range(last + 1)
    ]
    ap, boxes = np.array([r["AP"] for r in rows]), np.array([r["boxes"] for r in rows])
    micro = float((ap * boxes).sum() / boxes.sum())
    return {"bins": rows, "macro": mean_of_defined(ap), "micro": micro}


def _bin(
    annotations: Annotations, matches: Matches, inside: np.ndarray, boxes: np.ndarray
) -> dict[str, Any]:
    """AP where only the detections ``inside`` (K, T) and ``boxes`` (M,) count."""
    positives = np.bincount(annotations.labels[boxes], minlength=len(annotations.classes))
    values = []
    for label in np.flatnonzero(positives).tolist():
        rows = matches.of_class(label)
        counted = ~matches.ignored[rows] & inside[rows]
        some = counted.any(axis=1)  # the others change nothing
        right = matches.right[rows][some]
        values.append(average_precision(right, counted[some], int(positives[label])))
    ap = np.array(values).reshape(len(values), -1)
    return {
        "boxes": int(positives.sum()),
        "AP": mean_of_defined(ap),
        "AP50": mean_of_defined(ap[:, :1]),
    }
