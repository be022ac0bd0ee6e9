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
from ..ordering import best_first
from .precision import (
    RECALLS,
    mean_of_defined,
    precision_of_hits,
    precision_of_runs,
)

BINS = 4


def pooled_ap(matches: Matches) -> np.ndarray:
    """(T,) AP of all detections in one ranking."""
    positives = int(matches.positives.sum())
    if positives == 0:
        return np.full(len(matches.thresholds), np.nan)
    order = best_first(matches.scores)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    precision = np.zeros((len(RECALLS), len(matches.thresholds)))
    for column, (right, ignored) in enumerate(matches.hits):
        found, left_out = np.sort(place[right]), np.sort(place[ignored])
        seen = found + 1 - np.searchsorted(left_out, found)
        precision[:, column] = precision_of_hits(seen, positives)
    return precision.mean(axis=0)


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
    box_bin, own = (_above(edges[1:-1], column) for column in (sizes, areas))
    boxes = np.zeros((len(annotations.classes), last + 1), np.int64)
    np.add.at(boxes, (annotations.labels[counted], box_bin[counted]), 1)
    cells = annotations.labels.astype(np.int64) * (last + 1) + box_bin
    ap = _ap_in_bins(matches, cells, own, boxes)
    rows = [
        {
            "area": [float(edges[i]), float(edges[min(i + 1, len(edges) - 1)])],
            "boxes": int(boxes[:, i].sum()),
            "AP": mean_of_defined(ap[:, i]),
            "AP50": mean_of_defined(ap[:, i, :1]),
        }
        for i in range(last + 1)
    ]
    means, sums = np.array([row["AP"] for row in rows]), boxes.sum(axis=0)
    micro = float((means * sums).sum() / sums.sum())
    return {"bins": rows, "macro": mean_of_defined(means), "micro": micro}


def _above(borders: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) int64, how many of a few borders lie below each value."""
    count = np.zeros(len(values), np.int64)
    for border in borders.tolist():
        count += values > border
    return count


def _ap_in_bins(
    matches: Matches, cell_of_box: np.ndarray, own: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """(C, B, T) AP of each class in each of B bins, NaN where no box is.

    A cell is a class and a bin. Few detections take a box, so only these are gone through: how
    many count in a cell down to one of them are those of the cell by their own area, less those
    that take a box or region of whatever cell, and the true positives of the cell.

    Args:
        matches: of K detections.
        cell_of_box: (N,) int64.
        own: (K,) int64, bin of each detection's own area.
        boxes: (C, B) int64, how many are to be found.
    """
    size, cells, bins = len(own), boxes.size, boxes.shape[1]
    borders = np.arange(cells + 1) * size
    down_to = np.zeros((bins, size + 1), np.int32)  # how many of a bin's own lie above each row
    for i, counts in enumerate(down_to):
        np.cumsum(own == i, out=counts[1:])
    first = np.searchsorted(matches.labels, np.arange(len(boxes)))
    precision = np.zeros((cells, len(RECALLS), len(matches.thresholds)))
    for column, (right, ignored) in enumerate(matches.hits):
        taking = np.concatenate([right, ignored])
        own_cell = matches.labels[taking] * bins + own[taking]
        elsewhere = np.sort(own_cell * size + taking)
        box = matches.choices[matches.taken[right, column]]
        found = np.sort(cell_of_box[box] * size + right)
        ends = np.searchsorted(found, borders)
        cell = np.repeat(np.arange(cells), np.diff(ends))
        label, part = np.divmod(cell, bins)
        hits = np.arange(1, len(found) + 1) - ends[cell]
        by_area = down_to[part, found - cell * size + 1] - down_to[part, first[label]]
        taken = np.searchsorted(elsewhere, found, side="right")
        taken -= np.searchsorted(elsewhere, borders)[cell]
        seen = hits + by_area - taken
        precision[:, :, column] = precision_of_runs(seen, ends, np.maximum(boxes.ravel(), 1))
    ap = precision.mean(axis=1).reshape(*boxes.shape, -1)
    return np.where(boxes[..., None] > 0, ap, np.nan)
