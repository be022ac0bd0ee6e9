"""COCO box metrics over columns.

The numbers are those of pycocotools 2.0 (``COCOeval``, iouType ``bbox``): IoU 0.50:0.05:0.95, 101
recall points, areas small < 32² ≤ medium < 96² ≤ large. https://cocodataset.org/#detection-eval

Crowd and ignore boxes are both regions in which nothing is counted: a detection inside one is
neither right nor wrong, and leaving them out costs no recall. A crowd is of its own class, at each
IoU threshold, as in COCO; an ignore box may be of any class (see ``ignored``). (pycocotools knows
the crowd flag alone and would score an ``ignore`` box as any other.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fish_dataset.annotations import Annotations

from ..errors import FishdetError
from .accumulate import precision_recall
from .candidates import IOU_THRESHOLDS, Candidates, candidates_of
from .detections import Detections
from .report import ClassRow, CocoReport

_AREAS = ("s", "m", "l")  # rows 1 to 3 of the evaluator's area axis; row 0 is all areas


def evaluate(
    annotations: Annotations,
    detections: Detections,
    *,
    max_dets: Sequence[int] = (1, 10, 100),
) -> CocoReport:
    """Score detections against annotations as COCO does.

    Args:
        annotations: ground truth; every image of it counts, detected in or not.
        detections: ``image_row`` refers to the rows of ``annotations``.
        max_dets: best detections of an image and class that count, ascending; AP uses the last.

    Raises:
        FishdetError: no images, ``max_dets`` not ascending positive integers, or detections that
            cannot be scored (see :meth:`Detections.check`).
    """
    return evaluate_sharing(annotations, detections, max_dets=max_dets)[0]


def evaluate_sharing(
    annotations: Annotations,
    detections: Detections,
    *,
    max_dets: Sequence[int] = (1, 10, 100),
) -> tuple[CocoReport, Candidates]:
    """As :func:`evaluate`; also returns what further scores of the same detections build on.

    Raises:
        FishdetError: see :func:`evaluate`.
    """
    _check_max_dets(max_dets)
    if annotations.num_images == 0:
        raise FishdetError("evaluation: the annotations hold no image")
    detections.check(annotations.num_images, len(annotations.classes))
    candidates = candidates_of(annotations, detections, max_dets[-1], float(IOU_THRESHOLDS[0]))
    precision, recall = precision_recall(annotations, candidates, max_dets)
    report = CocoReport(
        totals=_totals(precision, recall, max_dets),
        per_class=_class_rows(annotations, detections, precision, recall),
        num_images=annotations.num_images,
    )
    return report, candidates


def _mean(values: np.ndarray) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else float("nan")


def _totals(
    precision: np.ndarray,
    recall: np.ndarray,
    max_dets: Sequence[int],
) -> dict[str, float]:
    totals = {
        "bbox_mAP": _mean(precision[:, :, :, 0, -1]),
        "bbox_mAP_50": _mean(precision[0, :, :, 0, -1]),
        "bbox_mAP_75": _mean(precision[5, :, :, 0, -1]),
    }
    for area, name in enumerate(_AREAS, start=1):
        totals[f"bbox_mAP_{name}"] = _mean(precision[:, :, :, area, -1])
    for index, limit in enumerate(max_dets):
        totals[f"bbox_AR_{limit}"] = _mean(recall[:, :, 0, index])
    for area, name in enumerate(_AREAS, start=1):
        totals[f"bbox_AR_{name}"] = _mean(recall[:, :, area, -1])
    return totals


def _class_rows(
    annotations: Annotations,
    detections: Detections,
    precision: np.ndarray,
    recall: np.ndarray,
) -> list[ClassRow]:
    count = len(annotations.classes)
    scored = ~(annotations.crowd | annotations.ignore)
    labels = annotations.labels[scored].astype(np.int64)
    pairs = np.unique(annotations.box_image[scored] * count + labels)
    boxes = np.bincount(labels, minlength=count)
    images = np.bincount(pairs % count, minlength=count)
    submitted = np.bincount(detections.labels, minlength=count)
    return [
        ClassRow(
            name=name,
            AP=_mean(precision[:, :, k, 0, -1]),
            AP50=_mean(precision[0, :, k, 0, -1]),
            AR=_mean(recall[:, k, 0, -1]),
            images=int(images[k]),
            boxes=int(boxes[k]),
            detections=int(submitted[k]),
        )
        for k, name in enumerate(annotations.classes)
    ]


def _check_max_dets(max_dets: Sequence[int]) -> None:
    limits = list(max_dets)
    if not limits or limits[0] < 1 or limits != sorted(set(limits)):
        raise FishdetError(
            f"max_dets {limits}: expected ascending positive integers, such as (1, 10, 100)"
        )
