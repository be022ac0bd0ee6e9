"""What calibration looks at: the score of each detection and whether it was right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from ..intervals.resampling import sampling_groups
from ..matching import match

IOU = 0.5
"""A detection is right where COCO's matching at this IoU gives it a box of its class."""


@dataclass(frozen=True)
class Outcomes:
    """K detections in no particular order; those that count neither way are not among them.

    Attributes:
        scores: (K,) float64, 0 to 1.
        right: (K,) bool, true positives at IoU 0.5.
        iou: (K,) float64, IoU with the box found, 0 for false positives.
        labels: (K,) int64.
        groups: (K,) int64, group (video, site, …) of the image.
        positives: (C,) int64, boxes to be found of each class.
        classes: C names.
        images: number of images.
    """

    scores: np.ndarray
    right: np.ndarray
    iou: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    positives: np.ndarray
    classes: tuple[str, ...]
    images: int

    def __len__(self) -> int:
        return len(self.scores)


def outcomes(annotations: Annotations, detections: Detections, *, max_dets: int = 100) -> Outcomes:
    """Match at IoU 0.5 and leave out what falls on crowd and ignore boxes."""
    matches = match(annotations, detections, max_dets=max_dets, thresholds=np.array([IOU]))
    kept = ~matches.ignored[:, 0]
    index = sampling_groups(annotations).index
    return Outcomes(
        scores=matches.scores[kept],
        right=matches.right[kept, 0],
        iou=np.where(matches.right[kept, 0], matches.iou[kept], 0.0),
        labels=matches.labels[kept],
        groups=index[matches.image_row[kept]],
        positives=matches.positives.sum(axis=0),
        classes=annotations.classes,
        images=annotations.num_images,
    )
