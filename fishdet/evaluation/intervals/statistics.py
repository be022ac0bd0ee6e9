"""The numbers that get an interval, as functions of how often each image counts."""

from __future__ import annotations

import numpy as np

from fish_dataset.annotations import Annotations

from ..detections import Detections
from ..matching import Matches
from .weighted import weighted_scores

COUNT_SCORE = 0.3
"""Detections from this score on are counted: the default of ``tools/predict.py``."""

_TOTALS = ("bbox_mAP", "bbox_mAP_50", "bbox_mAP_75", "bbox_AR_{limit}")


def totals(
    matches: Matches, weights: np.ndarray, limit: int = 100
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the headline numbers of each resample, and AP of each class.

    Args:
        matches: at COCO's ten thresholds.
        weights: (B, N).
        limit: the largest number of detections, as in the name ``bbox_AR_<limit>``.

    Returns:
        (B,) of each of ``bbox_mAP``, ``bbox_mAP_50``, ``bbox_mAP_75`` and ``bbox_AR_<limit>``, and
        (B, C) of ``AP`` and ``AP50``. NaN where a resample holds no box; a class without box in a
        resample is left out of that resample's means.
    """
    precision, recall = weighted_scores(matches, weights)
    values = (precision, precision[..., 0], precision[..., 5], recall)
    names = (name.format(limit=limit) for name in _TOTALS)
    means = (mean_of_defined(value.reshape(len(weights), -1)) for value in values)
    per_class = {"AP": precision.mean(axis=2), "AP50": precision[..., 0]}
    return dict(zip(names, means, strict=True)), per_class


def count_errors(annotations: Annotations, detections: Detections) -> np.ndarray:
    """(N,) how far the number of detections of each image is from that of its boxes.

    All species together, ``|detections with a score of at least COUNT_SCORE - boxes|``; crowd and
    ignore boxes are not counted.
    """
    scored = ~(annotations.crowd | annotations.ignore)
    told = detections.image_row[detections.scores >= COUNT_SCORE]
    boxes = np.bincount(annotations.box_image[scored], minlength=annotations.num_images)
    return np.abs(np.bincount(told, minlength=annotations.num_images) - boxes).astype(np.float64)


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(B,) means of (N,) values of the images of each resample; NaN for none."""
    with np.errstate(invalid="ignore"):
        return (weights @ values) / weights.sum(axis=1)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """(B,) means of the rows of (B, K) without their NaN; NaN where all are."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(defined, values, 0.0).sum(axis=1) / defined.sum(axis=1)
