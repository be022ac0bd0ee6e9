"""The scores of a run from its detections: the same for our detectors and for strangers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fishdet.errors import FishdetError
from fishdet.evaluation.box_form import meeting_share
from fishdet.evaluation.coco_eval import evaluate
from fishdet.evaluation.detections import Detections
from fishdet.evaluation.intervals import RESAMPLES, intervals
from fishdet.evaluation.outside import read_outside

from .store import PREDICTIONS, Record, truth_file

BEYOND = 2.0  # pixels beyond the border, from rounding
MOST_OUT = 0.05  # share of boxes that may reach out of their picture without a word
FEWEST_MET = 0.02  # share that overlaps a labelled box by half, below which it is said


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
    notes += _unlikely(annotations, detections)
    held = set(annotations.labels[~(annotations.crowd | annotations.ignore)].tolist())
    absent = [name for label, name in enumerate(annotations.classes) if label not in held]
    if absent:
        notes.append(f"species without a box, in no mean: {', '.join(absent)}")
    named = set(detections.labels.tolist())
    never = [annotations.classes[label] for label in sorted(held - named)]
    if never and len(detections):
        notes.append(f"no detection of {', '.join(never)}: its AP is 0 for that reason")
    return notes


def _unlikely(annotations: Annotations, detections: Detections) -> list[str]:
    """Say where boxes look as if they were of other pictures, another scale or another form."""
    if not len(detections):
        return []
    notes, rows, boxes = [], detections.image_row, detections.bboxes
    sizes = np.stack([annotations.widths[rows], annotations.heights[rows]], axis=1)
    out = (boxes[:, 2:] > sizes + BEYOND).any(axis=1) | (boxes[:, :2] < -BEYOND).any(axis=1)
    if out.mean() > MOST_OUT:
        notes.append(
            f"{int(out.sum())} of {len(boxes)} boxes reach out of their picture: are they in its "
            "own pixels, and x, y the upper left corner?"
        )
    surest = np.argsort(-detections.scores, kind="stable")[: len(annotations.labels)]
    met = meeting_share(boxes[surest, :2], boxes[surest, 2:], rows[surest], annotations)
    if met < FEWEST_MET:
        notes.append(
            f"{met:.1%} of the {len(surest)} surest boxes overlap a labelled one by half: are they "
            "of these pictures, in their own pixels, and x, y the upper left corner?"
        )
    return notes


def read_run(out: Path, folder: Path, record: Record) -> tuple[Annotations, Detections]:
    """Return ground truth and detections of a run that is done.

    Raises:
        FishdetError, FishDataError: a file is missing or at fault.
    """
    found = read_outside(folder / PREDICTIONS, truth_file(out, record["truth"]))
    return found.annotations, found.detections
