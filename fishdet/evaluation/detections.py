"""Detections as plain columns, and what must hold before they can be scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import FishdetError

_NOT_FINITE = (
    "the weights or activations of the model are probably not finite: look for NaN "
    "losses in the training log and use the last good checkpoint"
)


@dataclass(frozen=True)
class Detections:
    """K detections over a set of images.

    Attributes:
        image_row: (K,) int64, row of the image in the ``Annotations`` they are scored against.
        bboxes: (K, 4) float32 or float64, corners x1, y1, x2, y2 in pixels of the image as it is
            on disk. A box whose corners are swapped overlaps nothing: a false positive.
        scores: (K,) float, finite and not negative.
        labels: (K,) int64, index into ``Annotations.classes``.

    Detections of equal score rank in the order in which they stand here, as in pycocotools.
    """

    image_row: np.ndarray
    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.image_row)

    @classmethod
    def empty(cls) -> Detections:
        """Return no detections at all."""
        return cls(
            np.zeros(0, np.int64),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
        )

    @classmethod
    def from_images(
        cls,
        results: Iterable[tuple[int, ArrayLike, ArrayLike, ArrayLike]],
    ) -> Detections:
        """Join the results of single images.

        Args:
            results: ``(image_row, bboxes (n, 4), scores (n,), labels (n,))`` per image; n may be 0.

        Raises:
            FishdetError: bboxes, scores and labels of an image differ in length or shape.
        """
        parts = [_columns(*result) for result in results]
        if not parts:
            return cls.empty()
        rows, bboxes, scores, labels = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return cls(rows, bboxes, scores, labels)

    def xywh(self) -> np.ndarray:
        """Return (K, 4) float64 boxes as left, top, width, height: COCO's form."""
        boxes = np.array(self.bboxes, dtype=np.float64)
        boxes[:, 2:] -= boxes[:, :2]
        return boxes

    def check(self, num_images: int, num_classes: int) -> None:
        """Refuse what no evaluation could score.

        Raises:
            FishdetError: columns of different length; scores or boxes that are not finite;
                negative scores; labels or image rows out of range. Each with the count.
        """
        self._check_shapes()
        self._refuse(~np.isfinite(self.scores), "scores that are NaN or infinite", _NOT_FINITE)
        self._refuse(
            ~np.isfinite(self.bboxes).all(axis=1), "boxes with NaN or infinite corners", _NOT_FINITE
        )
        self._refuse(
            self.scores < 0,
            "negative scores",
            "scores are probabilities; logits must go through sigmoid or softmax first",
        )
        self._refuse(
            (self.labels < 0) | (self.labels >= num_classes),
            f"labels outside 0…{num_classes - 1}",
            f"the data set has {num_classes} classes, the model was built for another "
            "number: set num_classes of its head to that of the data set",
        )
        self._refuse(
            (self.image_row < 0) | (self.image_row >= num_images),
            f"image rows outside 0…{num_images - 1}",
            "image_row counts the images of the annotations from 0",
        )

    def _check_shapes(self) -> None:
        count = len(self.image_row)
        shapes = {
            "image_row": (self.image_row.shape, (count,)),
            "bboxes": (self.bboxes.shape, (count, 4)),
            "scores": (self.scores.shape, (count,)),
            "labels": (self.labels.shape, (count,)),
        }
        wrong = [
            f"{name} {got}, expected {want}" for name, (got, want) in shapes.items() if got != want
        ]
        if wrong:
            raise FishdetError(f"detections: columns do not fit together: {'; '.join(wrong)}")

    def _refuse(self, bad: np.ndarray, what: str, remedy: str) -> None:
        if bad.any():
            first = int(np.argmax(bad))
            raise FishdetError(
                f"detections: {int(bad.sum())} of {len(self)} have {what}; the first is detection "
                f"{first} (image row {self.image_row[first]}, label {self.labels[first]}, score "
                f"{self.scores[first]}, box {np.asarray(self.bboxes[first]).tolist()}): {remedy}"
            )


def _columns(
    row: int,
    bboxes: ArrayLike,
    scores: ArrayLike,
    labels: ArrayLike,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    boxes, points, classes = np.asarray(bboxes), np.asarray(scores), np.asarray(labels)
    count = len(points) if points.ndim == 1 else -1
    if boxes.size == 0 and count == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.shape != (count, 4) or classes.shape != (count,):
        raise FishdetError(
            f"detections of image row {row}: bboxes {boxes.shape}, scores {points.shape} and "
            f"labels {classes.shape} do not fit together; expected (n, 4), (n,), (n,)"
        )
    return (
        np.full(count, row, np.int64),
        _floats(boxes),
        _floats(points),
        classes.astype(np.int64),
    )


def _floats(values: np.ndarray) -> np.ndarray:
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
