"""The whole error analysis of one set of detections, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.progress import counted
from fish_dataset.stats.light import measure, spread_rows

from ...errors import FishdetError
from ..detections import Detections
from . import strata
from .confusion import confusion_matrix, confusions, what_they_lie_on
from .corrections import Costs, costs
from .kinds import BACKGROUND, FOREGROUND, Kind, Verdicts, judge
from .outcome import Outcome, Seen, outcome
from .strata import Stratum


@dataclass(frozen=True)
class Analysis:
    """What is wrong with detections.

    Attributes:
        annotations: Ground truth.
        verdicts: Of its detections.
        costs: dAP of each kind of error.
        outcome: At the score threshold.
        confusion: (C + 1, C + 1), see ``confusion_matrix``.
        lies_on: See ``what_they_lie_on``.
        strata: Parts by ``size``, ``crowding``, ``position`` and, where pictures were measured,
            ``brightness``.
        measured: Pictures whose brightness is known.
    """

    annotations: Annotations
    verdicts: Verdicts
    costs: Costs
    outcome: Outcome
    confusion: np.ndarray
    lies_on: dict[str, np.ndarray]
    strata: dict[str, list[Stratum]]
    measured: int


def analyse(
    annotations: Annotations,
    detections: Detections,
    *,
    threshold: float | None = None,
    light: np.ndarray | None = None,
) -> Analysis:
    """Find out what is wrong, what it costs and where it is.

    Args:
        annotations: Ground truth with at least one box.
        detections: Of its pictures.
        threshold: Score from which detections are shown; by default that of the best F1.
        light: (N,) mean brightness of the pictures, 0 to 255, NaN for unknown; see ``brightness``.

    Raises:
        FishdetError: there is no box to be found, a threshold outside 0 … 1, or detections that
            cannot be scored.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise FishdetError(f"score threshold {threshold}: a score lies between 0 and 1")
    verdicts = judge(annotations, detections)
    if not verdicts.counted.any():
        raise FishdetError(
            f"none of the {annotations.num_images} pictures has a box to be found, so no error can "
            "be named; use annotated pictures"
        )
    seen = outcome(annotations, verdicts, threshold)
    known = np.full(annotations.num_images, np.nan) if light is None else light
    parts = {
        "size": strata.sizes(annotations, verdicts),
        "crowding": strata.crowding(annotations, verdicts),
        "position": strata.positions(annotations, verdicts),
    }
    if not np.isnan(known).all():
        parts["brightness"] = strata.brightness(annotations, verdicts, known)
    return Analysis(
        annotations=annotations,
        verdicts=verdicts,
        costs=costs(annotations, verdicts),
        outcome=seen,
        confusion=confusion_matrix(annotations, verdicts, seen),
        lies_on=what_they_lie_on(annotations, verdicts, seen),
        strata={
            name: strata.split(annotations, verdicts, seen, *part) for name, part in parts.items()
        },
        measured=int((~np.isnan(known)).sum()),
    )


def brightness(annotations: Annotations, image_dir: Path, most: int = 2000) -> np.ndarray:
    """(N,) mean brightness of the pictures; NaN beyond ``most``, evenly spread, and unreadable."""
    rows = spread_rows(annotations.num_images, most)
    light = np.full(annotations.num_images, np.nan)
    if len(rows):
        paths = [image_dir / annotations.file_names[row] for row in rows.tolist()]
        with counted(len(rows), "brightness of pictures") as advance:
            light[rows] = measure(paths, rows, advance).brightness
    return light


def picture_errors(analysis: Analysis) -> np.ndarray:
    """(N, 4) int64 of each picture: right, misnamed, false, missed."""
    seen, count = analysis.outcome, analysis.annotations.num_images
    rows = analysis.verdicts.detections.image_row
    of_detection = [
        np.bincount(rows[seen.of_detection == how], minlength=count)
        for how in (Seen.RIGHT, Seen.MISNAMED, Seen.WRONG)
    ]
    boxes = analysis.annotations.box_image[seen.of_box == Seen.WRONG]
    return np.stack([*of_detection, np.bincount(boxes, minlength=count)], 1)


def worst_pictures(analysis: Analysis, most: int) -> np.ndarray:
    """Rows of the pictures with the most errors, the worst first; of equals the less right one."""
    table = picture_errors(analysis)
    wrong = table[:, 1:].sum(1)
    order = np.lexsort((np.arange(len(table)), table[:, 0], -wrong))
    return order[wrong[order] > 0][:most]


def right_pictures(analysis: Analysis, most: int) -> np.ndarray:
    """Rows of pictures without an error, those with the most fish first."""
    table = picture_errors(analysis)
    good = (table[:, 1:].sum(1) == 0) & (table[:, 0] > 0)
    order = np.lexsort((np.arange(len(table)), -table[:, 0]))
    return order[good[order]][:most]


def placement(analysis: Analysis) -> dict[str, float]:
    """Localisation against classification, at the threshold; shares are NaN of nothing.

    ``located``: share of the boxes that any detection takes, whatever its name; ``named``: share
    of those that are of the right species; ``mean_iou``: of right detections with their boxes.
    """
    seen, verdicts = analysis.outcome, analysis.verdicts
    found, misnamed, missed = (
        int((seen.of_box == how).sum()) for how in (Seen.RIGHT, Seen.MISNAMED, Seen.WRONG)
    )
    right = (seen.of_detection == Seen.RIGHT) & (verdicts.kind == Kind.RIGHT)
    nan = float("nan")
    taken, boxes = found + misnamed, found + misnamed + missed
    return {
        "located": taken / boxes if boxes else nan,
        "named": found / taken if taken else nan,
        "mean_iou": float(verdicts.iou[right].mean()) if right.any() else nan,
    }


def as_record(analysis: Analysis, worst: int = 100) -> dict[str, Any]:
    """The analysis as plain values for JSON; ``docs/metrics.md`` names its keys."""
    names = list(analysis.annotations.classes)
    cost, seen, table = analysis.costs, analysis.outcome, picture_errors(analysis)
    kinds = {name: {"count": cost.counts[name], "dAP": cost.main[name]} for name in cost.main}
    return {
        "format": 1,
        "images": analysis.annotations.num_images,
        "boxes": int(analysis.verdicts.counted.sum()),
        "detections": len(analysis.verdicts.detections),
        "iou": {"foreground": FOREGROUND, "background": BACKGROUND},
        "AP50": cost.mean_ap,
        "errors": kinds,
        "special": cost.special,
        "species": [
            {
                "name": name,
                "AP50": float(cost.ap[k]),
                "dAP": {kind: float(gain[k]) for kind, gain in cost.per_class.items()},
                "lies_on": {kind: int(count[k]) for kind, count in analysis.lies_on.items()},
            }
            for k, name in enumerate(names)
        ],
        "threshold": seen.threshold,
        "F1": seen.f1,
        "placement": placement(analysis),
        "confusion": {
            "rows": [*names, "(nothing there)"],
            "columns": [*names, "(missed)"],
            "matrix": analysis.confusion.tolist(),
            "commonest": [
                {"species": names[a], "taken_for": names[b], "times": times}
                for a, b, times in confusions(analysis.confusion)
            ],
        },
        "strata": {
            by: [
                {**vars(part), "recall": part.recall, "precision": part.precision} for part in all_
            ]
            for by, all_ in analysis.strata.items()
        },
        "worst": [
            {
                "file_name": analysis.annotations.file_names[row],
                **dict(
                    zip(("right", "misnamed", "false", "missed"), table[row].tolist(), strict=True)
                ),
            }
            for row in worst_pictures(analysis, worst).tolist()
        ],
    }
