"""Calibrate a detector on a validation set, and try it on groups that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.files import write_json
from fishdet.errors import FishdetError

from .ece import Reliability, detection_ece, laece, reliability
from .outcomes import IOU, Outcomes
from .scaling import Scaling, calibrated, fit_scaling, negative_log_likelihood
from .thresholds import f1_thresholds, precision_thresholds

FORMAT = 1
FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """What is known of the scores of a model, and what mends them.

    Attributes:
        scaling: fitted on all detections.
        thresholds: per class, on the model's own scores (not the calibrated ones).
        thresholds_for: in words, such as ``best F1``.
        before, after: reliability of the scores as they are, and of scores calibrated by a fit on
            the other half of the groups.
        figures: ``ece``, ``laece``, ``nll``, each (before, after) in the same sense.
        detections, images: how many it was fitted on.
    """

    scaling: Scaling
    thresholds: dict[str, float]
    thresholds_for: str
    before: Reliability
    after: Reliability
    figures: dict[str, tuple[float, float]]
    detections: int
    images: int

    def as_dict(self, fitted_on: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the record of ``calibration.json`` (docs/metrics.md, "Calibration").

        Args:
            fitted_on: further facts of the data, such as the digest of its annotation file.
        """
        record: dict[str, Any] = {
            "format": FORMAT,
            "temperature": self.scaling.temperature,
            "bias": self.scaling.bias,
            "thresholds": self.thresholds,
            "thresholds_for": f"{self.thresholds_for} at IoU {IOU}, on scores as the model gives",
        }
        counts = {"images": self.images, "detections": self.detections}
        record["fitted_on"] = {**(fitted_on or {}), **counts}
        for name, (before, after) in self.figures.items():
            record |= {f"{name}_before": before, f"{name}_after": after}
        reliabilities = {"before": self.before.as_dict(), "after": self.after.as_dict()}
        return record | {"reliability": reliabilities}


def calibrate(
    found: Outcomes,
    *,
    with_bias: bool = True,
    target_precision: float | None = None,
    seed: int = 0,
) -> Calibration:
    """Fit on all detections; measure "after" by fitting on one half of the groups for the other.

    Args:
        found: detections on the validation set.
        with_bias: fit a bias besides the temperature.
        target_precision: thresholds that reach this precision, 0 to 1, in place of the best F1.
        seed: of the halves.

    Raises:
        FishdetError: too few detections or groups, or a target that is no share.
    """
    if target_precision is not None and not 0 < target_precision <= 1:
        raise FishdetError(f"target precision {target_precision}: a share between 0 and 1")
    scaling = fit_scaling(found, with_bias=with_bias)
    held_out = cross_fitted(found, with_bias=with_bias, seed=seed)
    if target_precision is None:
        thresholds, aim = f1_thresholds(found), "best F1"
    else:
        thresholds = precision_thresholds(found, target_precision)
        aim = f"precision of at least {target_precision:g}"
    return Calibration(
        scaling=scaling,
        thresholds=thresholds,
        thresholds_for=aim,
        before=reliability(found.scores, found.right),
        after=reliability(held_out, found.right),
        figures={
            "ece": (detection_ece(found), detection_ece(found, held_out)),
            "laece": (laece(found), laece(found, held_out)),
            "nll": (
                negative_log_likelihood(found.scores, found.right),
                negative_log_likelihood(held_out, found.right),
            ),
        },
        detections=len(found),
        images=found.images,
    )


def cross_fitted(found: Outcomes, *, with_bias: bool = True, seed: int = 0) -> np.ndarray:
    """(K,) calibrated scores, each by a fit on the other half of the groups.

    Raises:
        FishdetError: all detections are of one group, or a half cannot be fitted.
    """
    names = np.unique(found.groups)
    if len(names) < 2:
        raise FishdetError(
            "calibration: all images with detections are of one group (video, site or series), so "
            "that nothing is left to try the fit on; use validation images of several"
        )
    order = np.random.default_rng(seed).permutation(names)
    first = np.isin(found.groups, order[: len(order) // 2])
    scores = np.empty(len(found))
    for half in (first, ~first):
        scaling = fit_scaling(_select(found, ~half), with_bias=with_bias)
        scores[half] = calibrated(found.scores[half], scaling)
    return scores


def write_calibration(
    folder: Path, calibration: Calibration, fitted_on: dict[str, Any] | None = None
) -> Path:
    """Write ``calibration.json`` into a folder, whole or not at all.

    Raises:
        FishdetError: the folder cannot be written.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, calibration.as_dict(fitted_on))
    except OSError as error:
        raise FishdetError(
            f"cannot write {path}: {error.strerror or error}; name another folder with --out"
        ) from error
    return path


def _select(found: Outcomes, rows: np.ndarray) -> Outcomes:
    return Outcomes(
        scores=found.scores[rows],
        right=found.right[rows],
        iou=found.iou[rows],
        labels=found.labels[rows],
        groups=found.groups[rows],
        positives=found.positives,
        classes=found.classes,
        images=found.images,
    )
