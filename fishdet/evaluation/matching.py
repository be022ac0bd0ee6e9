"""Which detections are right, at each IoU threshold: COCO's matching over columns.

Matching is the costly part of an evaluation and does not depend on which images are counted, so
it is done once and every resample of the images (see ``intervals``) reuses it.

The rule is that of pycocotools ``COCOeval.evaluateImg``
(https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py, 2026-11-25):
in each image and class, detections in the order of their scores take the free box of largest IoU
at or above the threshold, counted boxes before regions; a region may be taken again and again, and
what takes it counts neither way. The overlap with a region is its share of the detection's area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.ragged import ranges

from .detections import Detections
from .ignored import without_ignored

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's ten thresholds."""

_ALMOST_ONE = 1 - 1e-10  # pycocotools' cap of a threshold


@dataclass(frozen=True)
class Matches:
    """K detections, sorted by class and then from the best score down, and what they are.

    Attributes:
        row: (K,) int64, row in the detections that ``without_ignored`` left.
        image_row: (K,) int64.
        labels: (K,) int64, ascending.
        scores: (K,) float64, descending in each class.
        rank: (K,) int64, place of the detection in its image and class, from 0.
        right: (K, T) bool, true positive at each of T IoU thresholds.
        ignored: (K, T) bool, counts neither way.
        box: (K, T) int64, row of the box or region taken, -1 where none was.
        iou: (K,) float64, IoU with the box taken at the first threshold, 0 where none was.
        thresholds: (T,) float64.
        positives: (N, C) int64, boxes to be found of each image and class.
    """

    row: np.ndarray
    image_row: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    rank: np.ndarray
    right: np.ndarray
    ignored: np.ndarray
    box: np.ndarray
    iou: np.ndarray
    thresholds: np.ndarray
    positives: np.ndarray

    def of_class(self, label: int) -> slice:
        """The rows of one class."""
        return slice(*np.searchsorted(self.labels, (label, label + 1)).tolist())


@dataclass(frozen=True)
class Pairs:
    """P candidate pairs, those of one detection together, the one it would rather take last."""

    found: np.ndarray  # (P,) row of the detection
    box: np.ndarray  # (P,) row of the box
    iou: np.ndarray  # (P,)


def match(
    annotations: Annotations,
    detections: Detections,
    *,
    max_dets: int = 100,
    thresholds: np.ndarray = IOU_THRESHOLDS,
) -> Matches:
    """Match detections to boxes as COCO does, over boxes of all sizes.

    Args:
        annotations: ground truth; crowd and ignore boxes are regions (see ``coco_eval``).
        detections: checked (:meth:`Detections.check`); on the rows of ``annotations``.
        max_dets: best detections of an image and class that count.
        thresholds: (T,) IoU thresholds, ascending.
    """
    candidates = candidates_of(annotations, detections, max_dets, float(thresholds[0]))
    row, rank, kept, region = candidates.row, candidates.rank, candidates.kept, candidates.region
    pairs = candidates.preferring(~region)
    taken = assign(pairs, rank, region, thresholds)
    matched = taken >= 0
    box = np.full(taken.shape, -1, np.int64)
    box[matched] = pairs.box[taken[matched]]
    ignored = np.zeros_like(matched)
    ignored[matched] = region[box[matched]]
    iou = np.where(matched[:, 0], pairs.iou[taken[:, 0]] if len(pairs.iou) else 0.0, 0.0)
    positives = np.zeros((annotations.num_images, len(annotations.classes)), np.int64)
    np.add.at(positives, (annotations.box_image[~region], annotations.labels[~region]), 1)
    return Matches(
        row=row,
        image_row=kept.image_row,
        labels=kept.labels,
        scores=kept.scores.astype(np.float64),
        rank=rank,
        right=matched & ~ignored,
        ignored=ignored,
        box=box,
        iou=iou,
        thresholds=np.asarray(thresholds, np.float64),
        positives=positives,
    )


@dataclass(frozen=True)
class Candidates:
    """K detections, sorted by class and then from the best score down, and what they might take.

    Attributes:
        row: (K,) int64, row in the detections that ``without_ignored`` left.
        rank: (K,) int64, place of the detection in its image and class, from 0.
        kept: the K detections.
        region: (N,) bool, boxes that are regions.
        pairs: those of one image and class that overlap enough, in no order of preference.
    """

    row: np.ndarray
    rank: np.ndarray
    kept: Detections
    region: np.ndarray
    pairs: Pairs

    def preferring(self, counted: np.ndarray) -> Pairs:
        """Return the pairs in the order of preference: boxes that are ``counted`` (N,) first."""
        found, box, iou = self.pairs.found, self.pairs.box, self.pairs.iou
        order = np.lexsort((box, iou, counted[box], found))
        return Pairs(found[order], box[order], iou[order])


def candidates_of(
    annotations: Annotations, detections: Detections, max_dets: int, least: float
) -> Candidates:
    """Return the ``max_dets`` best detections of each image and class, and the boxes whose IoU
    with them is at least ``least``; arguments as for :func:`match`."""
    scored = without_ignored(annotations, detections)
    row, rank = _best(annotations, scored, max_dets)
    kept = _take(scored, row)
    region = annotations.crowd | annotations.ignore
    return Candidates(row, rank, kept, region, _pairs(annotations, kept, region, least))


def _best(
    annotations: Annotations, detections: Detections, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the ``limit`` best of each image and class, by class and score, and their ranks."""
    # among equal scores pycocotools goes by image id, and then by the order of submission
    place = np.argsort(np.argsort(annotations.image_ids))
    cells = place[detections.image_row] * len(annotations.classes) + detections.labels
    falling = np.argsort(-detections.scores, kind="stable")
    by_cell = falling[np.argsort(cells[falling], kind="stable")]
    cell = cells[by_cell]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    sizes = np.diff(first, append=len(cell))
    rank = np.arange(len(cell)) - np.repeat(first, sizes)
    chosen, rank = by_cell[rank < limit], rank[rank < limit]
    falling = np.argsort(-detections.scores[chosen], kind="stable")
    order = falling[np.argsort(detections.labels[chosen][falling].astype(np.uint16), kind="stable")]
    return chosen[order], rank[order]


def _take(detections: Detections, rows: np.ndarray) -> Detections:
    columns = (detections.image_row, detections.bboxes, detections.scores, detections.labels)
    return Detections(*(column[rows] for column in columns))


def _pairs(
    annotations: Annotations, detections: Detections, region: np.ndarray, least: float
) -> Pairs:
    """Pairs of one image and class whose IoU is at least ``least``."""
    count = len(annotations.classes)
    cells = annotations.box_image * count + annotations.labels
    boxes = np.argsort(cells, kind="stable")
    wanted = detections.image_row * count + detections.labels
    starts = np.searchsorted(cells[boxes], wanted)
    sizes = np.searchsorted(cells[boxes], wanted, side="right") - starts
    found = np.repeat(np.arange(len(detections)), sizes)
    box = boxes[ranges(starts, sizes)]
    iou = _overlaps(detections.xywh(), annotations.bboxes, found, box, region)
    near = iou >= min(least, _ALMOST_ONE)
    return Pairs(found[near], box[near], iou[near])


def _overlaps(
    one: np.ndarray, other: np.ndarray, found: np.ndarray, box: np.ndarray, region: np.ndarray
) -> np.ndarray:
    """(P,) IoU of xywh boxes ``one[found]`` and ``other[box]``; for regions the share of the
    first one's area."""
    shared = np.ones(len(found))
    for corner, side in ((0, 2), (1, 3)):  # by columns: rows of four cost three times as much
        low, long = (np.ascontiguousarray(one[:, i]) for i in (corner, side))
        start, width = (other[:, i].astype(np.float64) for i in (corner, side))
        high, end = low + long, start + width
        length = np.minimum(high[found], end[box]) - np.maximum(low[found], start[box])
        shared *= np.maximum(length, 0)
    own = (one[:, 2] * one[:, 3])[found]
    sizes = other.astype(np.float64)
    areas = np.where(region, 0.0, sizes[:, 2] * sizes[:, 3])
    whole = own + areas[box] - np.where(region[box], 0.0, shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def assign(
    pairs: Pairs, rank: np.ndarray, region: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Return the pair (K, T) that each detection takes, -1 for none.

    All images and classes at once: the best detections of each, then the second best, ….
    """
    taken = np.full((len(rank), len(thresholds)), -1, np.int64)
    free = np.ones((len(region), len(thresholds)), bool)
    order = np.argsort(rank[pairs.found], kind="stable")
    starts = np.flatnonzero(np.diff(rank[pairs.found][order], prepend=-1))
    limits = np.minimum(thresholds, _ALMOST_ONE)
    stops = np.append(starts[1:], len(order))[: len(starts)]
    for start, stop in zip(starts, stops, strict=True):
        turn = order[start:stop]
        found, box = pairs.found[turn], pairs.box[turn]
        fits = (pairs.iou[turn, None] >= limits) & (free[box] | region[box, None])
        first = np.flatnonzero(np.diff(found, prepend=-1))
        best = np.maximum.reduceat(np.where(fits, turn[:, None], -1), first, axis=0)
        taken[found[first]] = best
        rows, columns = np.nonzero(best >= 0)
        free[pairs.box[best[rows, columns]], columns] = False
    return taken
