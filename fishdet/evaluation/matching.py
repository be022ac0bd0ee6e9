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
from functools import cached_property

import numpy as np

from fish_dataset.annotations import Annotations

from .candidates import IOU_THRESHOLDS, Candidates, Pairs, assign, candidates_of
from .detections import Detections


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
        taken: (K, T) int32, place in ``choices`` of the box or region taken, -1 where none was.
        choices: rows of boxes, then -1, so that ``choices[taken]`` are the rows taken.
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
    taken: np.ndarray
    choices: np.ndarray
    iou: np.ndarray
    thresholds: np.ndarray
    positives: np.ndarray

    @cached_property
    def hits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """At each threshold the rows of true positives, and of what counts neither way."""
        return list(zip(_by_column(self.right), _by_column(self.ignored), strict=True))

    def of_class(self, label: int) -> slice:
        """The rows of one class."""
        return slice(*np.searchsorted(self.labels, (label, label + 1)).tolist())


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
    pairs = candidates.preferring(~candidates.region)
    taken = assign(pairs, candidates.rank, candidates.region, thresholds)
    return _matches(annotations, candidates, pairs, taken, thresholds)


def match_of(annotations: Annotations, candidates: Candidates) -> Matches:
    """As :func:`match` at COCO's thresholds, of candidates that an evaluation has found already."""
    return _matches(annotations, candidates, *candidates.of_all_sizes, IOU_THRESHOLDS)


def _matches(
    annotations: Annotations,
    candidates: Candidates,
    pairs: Pairs,
    taken: np.ndarray,
    thresholds: np.ndarray,
) -> Matches:
    kept, region = candidates.kept, candidates.region
    places = np.flatnonzero(taken >= 0)  # few: most detections take nothing
    pair = taken.ravel()[places]
    ignored, right = np.zeros(taken.shape, bool), np.zeros(taken.shape, bool)
    ignored.ravel()[places] = region[pairs.box[pair]]
    right.ravel()[places] = ~region[pairs.box[pair]]
    iou = np.zeros(len(taken))
    first = np.flatnonzero(taken[:, 0] >= 0)
    iou[first] = pairs.iou[taken[first, 0]]
    positives = np.zeros((annotations.num_images, len(annotations.classes)), np.int64)
    np.add.at(positives, (annotations.box_image[~region], annotations.labels[~region]), 1)
    return Matches(
        row=candidates.row,
        image_row=kept.image_row,
        labels=kept.labels,
        scores=kept.scores.astype(np.float64),
        rank=candidates.rank,
        right=right,
        ignored=ignored,
        taken=taken,
        choices=np.append(pairs.box, -1),
        iou=iou,
        thresholds=np.asarray(thresholds, np.float64),
        positives=positives,
    )


def _by_column(flags: np.ndarray) -> list[np.ndarray]:
    """Ascending rows of what is true in each column; few are, so the array is read once."""
    row, column = np.divmod(np.flatnonzero(flags), flags.shape[1])
    order = np.argsort(column.astype(np.uint16), kind="stable")
    ends = np.cumsum(np.bincount(column, minlength=flags.shape[1]))
    return np.split(row[order], ends[:-1])
