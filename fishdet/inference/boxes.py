"""Boxes as the network leaves them, before they get names, and what is done to them as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from supervision.detection.utils.iou_and_nms import box_non_max_suppression

FLIP_NMS_IOU = 0.5  # as MMDetection's DetTTAModel has it in its configs


@dataclass(frozen=True)
class Boxes:
    """Boxes of one picture.

    Attributes:
        xyxy: float32 (N, 4), pixels of the picture.
        scores: float32 (N,).
        labels: int64 (N,).
        class_scores: float32 (N, C), the score of every class for that box; NaN where the network
            does not tell.
    """

    xyxy: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    class_scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: np.ndarray) -> Boxes:
        """Return the boxes of these rows, in their order; ``rows`` is an index or a mask."""
        return Boxes(self.xyxy[rows], self.scores[rows], self.labels[rows], self.class_scores[rows])

    def moved(self, x: float, y: float) -> Boxes:
        """Return the boxes moved by (x, y) pixels."""
        offset = np.array([x, y, x, y], np.float32)
        return Boxes(self.xyxy + offset, self.scores, self.labels, self.class_scores)

    def mirrored(self, width: int) -> Boxes:
        """Return the boxes as they lie in the picture, ``width`` pixels wide, seen in a mirror."""
        x1, y1, x2, y2 = self.xyxy.T
        xyxy = np.stack([width - x2, y1, width - x1, y2], axis=1)
        return Boxes(xyxy, self.scores, self.labels, self.class_scores)


def joined(parts: Sequence[Boxes]) -> Boxes:
    """Return all boxes of one or more parts."""
    columns = ("xyxy", "scores", "labels", "class_scores")
    return Boxes(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def above(boxes: Boxes, thresholds: np.ndarray) -> Boxes:
    """Return the boxes whose score reaches the threshold (C,) of their class, best first."""
    kept = np.flatnonzero(boxes.scores >= thresholds[boxes.labels])
    return boxes.take(kept[np.argsort(-boxes.scores[kept], kind="stable")])


def merge_flipped(plain: Boxes, mirrored: Boxes) -> Boxes:
    """Return the boxes of a picture and of its mirror image (mirrored back) without doubles.

    Of two boxes of one class that overlap by more than an IoU of 0.5 the surer one stays.
    """
    both = joined([plain, mirrored])
    return both.take(unsuppressed(both, FLIP_NMS_IOU))


def class_agnostic(boxes: Boxes, iou: float) -> Boxes:
    """Return the boxes without those that overlap a surer one, of any class, by more than ``iou``:
    a fish that was named twice keeps its surer name."""
    return boxes.take(unsuppressed(boxes, iou, by_class=False))


def unsuppressed(boxes: Boxes, iou: float, by_class: bool = True) -> np.ndarray:
    """Return the rows that non-maximum suppression leaves, the surest first.

    In NumPy, as exported models are looked at without PyTorch.
    """
    order = np.argsort(-boxes.scores, kind="stable")
    sorted_boxes = boxes.take(order)
    labels = sorted_boxes.labels if by_class else np.zeros_like(sorted_boxes.labels)
    columns = (sorted_boxes.xyxy, sorted_boxes.scores, labels)
    return order[box_non_max_suppression(np.column_stack(columns), iou)] if len(order) else order
