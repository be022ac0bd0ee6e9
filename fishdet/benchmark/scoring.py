"""The scores of a run from its detections: the same for our detectors and for strangers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fish_dataset.annotations import Annotations
from fishdet.errors import FishdetError
from fishdet.evaluation.coco_eval import evaluate
from fishdet.evaluation.detections import Detections
from fishdet.evaluation.intervals import RESAMPLES, intervals
from fishdet.evaluation.outside import read_outside

from .store import PREDICTIONS, Record, truth_file


def score(
    annotations: Annotations, detections: Detections, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return totals, ``species`` and 95 % intervals of detections as JSON data.

    Raises:
        FishdetError: the images have no box to score against.
    """
    report = evaluate(annotations, detections)
    if report.num_boxes == 0:
        raise FishdetError(f"none of the {report.num_images} images has a box to score against")
    return {
        **report.totals,
        "species": [dict(row) for row in report.per_class],
        "images": report.num_images,
        "boxes": report.num_boxes,
        "detections": report.num_detections,
        **intervals(annotations, detections, resamples=resamples).as_dict(),
    }


def notes_on(annotations: Annotations, detections: Detections) -> list[str]:
    """Return what a reader of the score must know: no detections, species without a box."""
    notes = []
    if not len(detections):
        notes.append("no detections at all: every AP is 0 for that reason")
    if len(detections) and detections.scores.max() > 1:
        notes.append(
            f"scores up to {detections.scores.max():g}, so no chances: AP asks for their order "
            "alone, calibration for more"
        )
    flat = int((detections.bboxes[:, 2:] <= detections.bboxes[:, :2]).any(axis=1).sum())
    if flat:
        notes.append(
            f"{flat} of {len(detections)} boxes have no width or height, or less: all wrong"
        )
    held = set(annotations.labels[~(annotations.crowd | annotations.ignore)].tolist())
    absent = [name for label, name in enumerate(annotations.classes) if label not in held]
    if absent:
        notes.append(f"species without a box, in no mean: {', '.join(absent)}")
    return notes


def read_run(out: Path, folder: Path, record: Record) -> tuple[Annotations, Detections]:
    """Return ground truth and detections of a run that is done.

    Raises:
        FishdetError, FishDataError: a file is missing or at fault.
    """
    found = read_outside(folder / PREDICTIONS, truth_file(out, record["truth"]))
    return found.annotations, found.detections
