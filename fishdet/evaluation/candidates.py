"""Which detections and boxes overlap enough to be matched, and who takes whom.

Boxes and detections of one image and class are candidates for one another. They depend neither on
the range of areas nor on the threshold that is looked at, so that they are found once for all that
an evaluation tells (``Candidates``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.ragged import ranges

from .detections import Detections
from .ignored import without_ignored
from .ordering import best_first, best_of_groups

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's ten thresholds."""

_ALMOST_ONE = 1 - 1e-10  # pycocotools' cap of a threshold
_BLOCK = 1 << 13  # detections that are compared with boxes at once


@dataclass(frozen=True)
class Pairs:
    """P candidate pairs, those of one detection together, the one it would rather take last."""

    found: np.ndarray  # (P,) row of the detection
    box: np.ndarray  # (P,) row of the box
    iou: np.ndarray  # (P,)


@dataclass(frozen=True)
class Candidates:
    """K detections, sorted by class and then from the best score down, and what they might take.

    Attributes:
        row: (K,) int64, row in the detections that ``without_ignored`` left.
        rank: (K,) int64, place of the detection in its image and class, from 0.
        kept: the K detections.
        region: (N,) bool, boxes that are regions.
        pairs: those of one image and class that overlap enough, in no order of preference.
        scored: the detections that ``without_ignored`` left.
    """

    row: np.ndarray
    rank: np.ndarray
    kept: Detections
    region: np.ndarray
    pairs: Pairs
    scored: Detections

    @cached_property
    def areas(self) -> np.ndarray:
        """(K,) float64, areas of the detections in square pixels."""
        boxes = self.kept.xywh()
        return boxes[:, 2] * boxes[:, 3]

    @cached_property
    def of_all_sizes(self) -> tuple[Pairs, np.ndarray]:
        """Pairs with all counted boxes first, and what is taken (K, 10) at COCO's thresholds."""
        pairs = self.preferring(~self.region)
        return pairs, assign(pairs, self.rank, self.region, IOU_THRESHOLDS)

    def preferring(self, counted: np.ndarray) -> Pairs:
        """Return the pairs in the order of preference: boxes that are ``counted`` (N,) first."""
        return preferring(self.pairs, counted)


def preferring(pairs: Pairs, counted: np.ndarray) -> Pairs:
    """Return pairs in the order of preference: boxes that are ``counted`` (N,) first."""
    order = np.lexsort((pairs.box, pairs.iou, counted[pairs.box], pairs.found))
    return Pairs(pairs.found[order], pairs.box[order], pairs.iou[order])


def candidates_of(
    annotations: Annotations, detections: Detections, max_dets: int, least: float
) -> Candidates:
    """Return the ``max_dets`` best detections of each image and class, and the boxes whose IoU
    with them is at least ``least``; arguments as for :func:`match`."""
    scored = without_ignored(annotations, detections)
    row, rank = _best(annotations, scored, max_dets)
    kept = taking(scored, row)
    region = annotations.crowd | annotations.ignore
    pairs = pairs_of(annotations, kept, region, least)
    return Candidates(row, rank, kept, region, pairs, scored)


def _best(
    annotations: Annotations, detections: Detections, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the ``limit`` best of each image and class, by class and score, and their ranks."""
    # among equal scores pycocotools goes by image id, and then by the order of submission
    place = np.argsort(np.argsort(annotations.image_ids))
    cells = place[detections.image_row] * len(annotations.classes) + detections.labels
    chosen, rank = best_of_groups(cells, detections.scores, limit)
    falling = best_first(detections.scores[chosen])
    order = falling[np.argsort(detections.labels[chosen][falling].astype(np.uint16), kind="stable")]
    return chosen[order], rank[order]


def taking(detections: Detections, rows: np.ndarray) -> Detections:
    """Return some of the detections."""
    columns = (detections.image_row, detections.bboxes, detections.scores, detections.labels)
    return Detections(*(column[rows] for column in columns))


def pairs_of(
    annotations: Annotations, detections: Detections, region: np.ndarray, least: float
) -> Pairs:
    """Pairs of one image and class whose IoU is at least ``least``.

    Args:
        annotations: ground truth of N boxes.
        detections: those that may take a box.
        region: (N,) bool, boxes whose overlap is the share of the detection's area.
        least: above 0.
    """
    count = len(annotations.classes)
    cells = annotations.box_image * count + annotations.labels
    boxes = np.argsort(cells, kind="stable")
    wanted = detections.image_row * count + detections.labels
    starts, sizes = _runs_of(cells[boxes], wanted, annotations.num_images * count)
    least = min(least, _ALMOST_ONE)
    found, box = _side_by_side(detections, annotations.bboxes, boxes, starts, sizes, least)
    iou = _overlaps(detections.bboxes, annotations.bboxes, found, box, region)
    near = iou >= least
    return Pairs(found[near], box[near], iou[near])


def _runs_of(cells: np.ndarray, wanted: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where in the ascending ``cells``, of ``count`` that there might be, each of ``wanted``
    begins, and how often it stands there."""
    if count < 4 * (len(cells) + len(wanted)):  # a table of all is cheaper than a search for each
        sizes = np.bincount(cells, minlength=count)
        return (np.cumsum(sizes) - sizes)[wanted], sizes[wanted]
    starts = np.searchsorted(cells, wanted)
    return starts, np.searchsorted(cells, wanted, side="right") - starts


def _side_by_side(
    detections: Detections,
    bboxes: np.ndarray,
    boxes: np.ndarray,
    starts: np.ndarray,
    sizes: np.ndarray,
    least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (P,) of detections and boxes that overlap on each axis as far as ``least`` asks for.

    What two boxes share is at least ``least`` of the first one's area, so that on each axis it is
    at least that part of its side. Most pairs of an image end here, before the costly half of the
    work, some ten thousand at once, so that what is computed on the way stays in the cache.
    Rounded numbers will do, with room for their error.

    Args:
        detections: K of them.
        bboxes: (N, 4) xywh.
        boxes: rows of ``bboxes``, those of one cell together.
        starts: (K,) where in ``boxes`` those of a detection's cell begin.
        sizes: (K,) how many these are.
        least: above 0.
    """
    spans = [_span(detections.bboxes, bboxes, boxes, column, least) for column in (0, 1)]
    found, taken = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for begin in range(0, len(sizes), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        place = ranges(starts[block], sizes[block])
        row = np.repeat(np.arange(begin, begin + len(sizes[block])), sizes[block])
        for first, last, start, end in spans:
            overlap = (end.take(place) >= first.take(row)) & (start.take(place) <= last.take(row))
            kept = np.flatnonzero(overlap)
            place, row = place[kept], row[kept]
        found.append(row)
        taken.append(boxes[place])
    return np.concatenate(found), np.concatenate(taken)


def _span(
    corners: np.ndarray, bboxes: np.ndarray, boxes: np.ndarray, column: int, least: float
) -> tuple[np.ndarray, ...]:
    """Along one axis: where a box must end at least and start at most (K,), where it does."""
    low, high = (corners[:, i].astype(np.float32) for i in (column, column + 2))
    room = np.float32(1e-5) * (np.abs(low) + np.abs(high) + 1)
    asked = np.maximum((high - low) * np.float32(least), 0) - room
    start = bboxes[boxes, column].astype(np.float64)
    end = start + bboxes[boxes, column + 2]
    return low + asked, high - asked, start.astype(np.float32), end.astype(np.float32)


def _overlaps(
    corners: np.ndarray, bboxes: np.ndarray, found: np.ndarray, box: np.ndarray, region: np.ndarray
) -> np.ndarray:
    """(P,) IoU of ``corners[found]`` (xyxy) and ``bboxes[box]`` (xywh); for regions the share of
    the first one's area. As COCO's results have it, a detection ends at left + (right - left)."""
    shared, own, areas = np.ones(len(found)), np.ones(len(found)), np.ones(len(bboxes))
    for first, last in ((0, 2), (1, 3)):  # by columns: rows of four cost three times as much
        low, high = (corners[found, i].astype(np.float64) for i in (first, last))
        long = high - low
        start, width = (bboxes[:, i].astype(np.float64) for i in (first, last))
        length = np.minimum(low + long, (start + width)[box]) - np.maximum(low, start[box])
        shared *= np.maximum(length, 0)
        own *= long
        areas *= width
    areas[region] = 0
    whole = own + areas[box] - np.where(region[box], 0.0, shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def assign(
    pairs: Pairs, rank: np.ndarray, region: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Return the pair (K, T) that each detection takes, -1 for none.

    All images and classes at once: the best detections of each, then the second best, ….
    """
    taken = np.full((len(rank), len(thresholds)), -1, np.int32)
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
