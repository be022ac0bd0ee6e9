"""All further scores of an evaluation as one record: what ``evaluation.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fish_dataset.annotations import Annotations

from ...errors import FishdetError
from ..candidates import IOU_THRESHOLDS, Candidates, candidates_of
from ..detections import Detections
from ..matching import Matches, match_of
from ..report import CocoReport
from .counts import boxes_per_image, count_errors, counts_found, max_n, uncertain
from .curves import best_f1, curve
from .frequency import by_frequency
from .limits import SCHOOLS, by_limit
from .precision import mean_of_defined
from .presence import presence_scores
from .sizes import by_size, pooled_ap
from .taxonomy import name_left, taxonomic_scores

FORMAT = 1


@dataclass(frozen=True)
class Choices:
    """What the further scores are taken at.

    Attributes:
        score_thr: from which score presence, counts and names are read: one for all species, one
            for each by name, or None for each species' F1-best on these very images (flattering).
        limits: of detections of an image and class, ascending.
        train_images: training images of each class, for AP by frequency; None: not known.
        max_dets: of the evaluation beside which these stand.
    """

    score_thr: float | Mapping[str, float] | None = 0.3
    limits: tuple[int, ...] = SCHOOLS
    train_images: Mapping[str, int] | None = None
    max_dets: int = 100


def evaluation_record(
    annotations: Annotations,
    detections: Detections,
    report: CocoReport,
    choices: Choices,
    candidates: Candidates | None = None,
) -> dict[str, Any]:
    """Return everything that ``docs/metrics.md`` defines, as JSON data.

    Args:
        annotations: ground truth of N images.
        detections: checked, on the rows of ``annotations``.
        report: what :func:`~fishdet.evaluation.evaluate` made of the two.
        choices: thresholds and limits.
        candidates: what ``evaluate_sharing`` found for the two with the same ``max_dets``; found
            anew without.

    Raises:
        FishdetError: thresholds by name that name other classes.
    """
    if candidates is None:
        least = float(IOU_THRESHOLDS[0])
        candidates = candidates_of(annotations, detections, choices.max_dets, least)
    matches = match_of(annotations, candidates)
    best = [best_f1(matches, k) for k in range(len(annotations.classes))]
    thresholds = _thresholds(annotations.classes, choices.score_thr, best)
    named = name_left(annotations, candidates.scored, thresholds, choices.max_dets)
    ap = [row["AP"] for row in report.per_class]
    micro = pooled_ap(matches)
    return {
        "format": FORMAT,
        "images": annotations.num_images,
        "totals": dict(report.totals),
        "macro": {"AP": report.totals["bbox_mAP"], "AP50": report.totals["bbox_mAP_50"]},
        "micro": {"AP": mean_of_defined(micro), "AP50": float(micro[0])},
        "absent_species": absent_species(report),
        "limits": by_limit(
            annotations, detections, report.totals, choices.max_dets, choices.limits
        ),
        "frequency": by_frequency(annotations.classes, ap, choices.train_images),
        "sizes": by_size(annotations, matches, candidates.areas),
        "threshold": {
            "chosen": _how(choices.score_thr),
            "by_species": _by_name(annotations, thresholds),
        },
        "species": _species(annotations, matches, report, best, thresholds),
        "counts": _counts(annotations, matches, thresholds),
        "taxonomy": taxonomic_scores(annotations.classes, named),
        "curves": {
            name: {"iou": 0.5, **curve(matches, k)} for k, name in enumerate(annotations.classes)
        },
    }


def absent_species(report: CocoReport) -> list[dict[str, Any]]:
    """Species without a box to be found: their AP is undefined, and no mean counts them."""
    return [
        {"name": row["name"], "detections": row["detections"]}
        for row in report.per_class
        if row["boxes"] == 0
    ]


def _species(
    annotations: Annotations,
    matches: Matches,
    report: CocoReport,
    best: list[dict[str, Any]],
    thresholds: list[float | None],
) -> list[dict[str, Any]]:
    seen = presence_scores(annotations, matches, thresholds)
    return [
        {**row, "best_f1": f1, "presence": presence}
        for row, f1, presence in zip(report.per_class, best, seen, strict=True)
    ]


def _counts(
    annotations: Annotations, matches: Matches, thresholds: list[float | None]
) -> dict[str, Any]:
    found, known = counts_found(matches, thresholds), ~uncertain(annotations)
    return {
        "classes": list(annotations.classes),
        "image": count_errors(found, boxes_per_image(annotations), known),
        "video": max_n(annotations, found, known),
    }


def _thresholds(
    classes: tuple[str, ...],
    wanted: float | Mapping[str, float] | None,
    best: list[dict[str, Any]],
) -> list[float | None]:
    if wanted is None:
        return [row["threshold"] for row in best]
    if not isinstance(wanted, Mapping):
        return [float(wanted)] * len(classes)
    other = sorted(set(classes) ^ set(wanted))
    if other:
        raise FishdetError(
            f"score_thr: thresholds by species must name the species of the data set; {other[:5]} "
            "stand in one of the two only"
        )
    return [float(wanted[name]) for name in classes]


def _how(wanted: float | Mapping[str, float] | None) -> str:
    if wanted is None:
        return "F1-best of each species on these images"
    return "given by species" if isinstance(wanted, Mapping) else "one for all species"


def _by_name(annotations: Annotations, values: list[float | None]) -> dict[str, float | None]:
    return dict(zip(annotations.classes, values, strict=True))
