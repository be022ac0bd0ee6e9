"""Which detections and boxes of one picture overlap, as a sparse list for all pictures at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.ragged import ranges

from ..detections import Detections

_AT_ONCE = 1 << 20  # pairs whose IoU is computed together: some 100 MB


@dataclass(frozen=True)
class Pairs:
    """P pairs of a detection and a counted box of its picture, in the order of detections.

    Attributes:
        detection: (P,) int64, row of the detection.
        box: (P,) int64, row of the box in ``Annotations``.
        iou: (P,) float64.
        same: (P,) bool, whether both are of one class.
    """

    detection: np.ndarray
    box: np.ndarray
    iou: np.ndarray
    same: np.ndarray

    def where(self, mask: np.ndarray) -> Pairs:
        """The pairs of ``mask`` (P,) bool."""
        return Pairs(self.detection[mask], self.box[mask], self.iou[mask], self.same[mask])


def counted_boxes(annotations: Annotations) -> np.ndarray:
    """(M,) bool: boxes that are to be found, neither crowds nor ignored."""
    return ~(annotations.crowd | annotations.ignore)


def overlapping(
    annotations: Annotations, detections: Detections, floor: float, boxes: np.ndarray
) -> Pairs:
    """Pair every detection with the boxes of its picture that it overlaps by IoU ≥ ``floor``.

    Args:
        annotations: Ground truth.
        detections: Of the pictures of ``annotations``.
        floor: Above 0.
        boxes: (M,) bool, the boxes that count.
    """
    found = corners(annotations)
    parts = []
    for detection, box in _candidates(annotations, detections):
        kept = boxes[box]
        detection, box = detection[kept], box[kept]
        iou = _iou(detections.bboxes[detection].astype(np.float64), found[box])
        kept = iou >= floor
        parts.append((detection[kept], box[kept], iou[kept]))
    if not parts:
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    detection, box, iou = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((box, detection))
    detection, box, iou = detection[order], box[order], iou[order]
    return Pairs(detection, box, iou, detections.labels[detection] == annotations.labels[box])


def share_inside(
    annotations: Annotations, detections: Detections, regions: np.ndarray
) -> np.ndarray:
    """(K,) the largest share of each detection's area in one of ``regions`` (M,) of its class."""
    largest = np.zeros(len(detections))
    if not regions.any():
        return largest
    found = corners(annotations)
    for detection, box in _candidates(annotations, detections):
        kept = regions[box] & (annotations.labels[box] == detections.labels[detection])
        detection, box = detection[kept], box[kept]
        own = detections.bboxes[detection].astype(np.float64)
        share = _shared(own, found[box]) / np.maximum(_area(own), 1e-12)
        np.maximum.at(largest, detection, share)
    return largest


def corners(annotations: Annotations) -> np.ndarray:
    """(M, 4) float64 boxes as x1, y1, x2, y2."""
    boxes = annotations.bboxes.astype(np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _candidates(
    annotations: Annotations, detections: Detections
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Detections and boxes of one picture, all with all, about a million pairs at a time."""
    starts = annotations.offsets[detections.image_row]
    counts = annotations.offsets[detections.image_row + 1] - starts
    piece = np.cumsum(counts) // _AT_ONCE
    for number in np.unique(piece[counts > 0]):
        rows = np.flatnonzero((piece == number) & (counts > 0))
        yield np.repeat(rows, counts[rows]), ranges(starts[rows], counts[rows])


def _iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    shared = _shared(one, other)
    union = _area(one) + _area(other) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _shared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    return np.maximum(sides, 0).prod(1)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(1)
