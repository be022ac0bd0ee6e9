"""Annotations and detections in COCO's form: for the evaluator, and as results on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.files import write_atomic

from ..errors import FishdetError
from .detections import Detections
from .file_ids import file_ids


def ground_truth_dict(annotations: Annotations) -> dict[str, Any]:
    """Return what the COCO evaluators read: ids from 1, category id = class index + 1.

    Annotation ids are always numbered anew, because the evaluators take id 0 for "unmatched".
    Ignore boxes carry ``iscrowd`` 1: the policy stands at the top of ``coco_eval``.
    """
    regions = annotations.crowd | annotations.ignore
    return {
        "images": [{"id": i} for i in annotations.image_ids.tolist()],
        "categories": [{"id": i + 1, "name": n} for i, n in enumerate(annotations.classes)],
        "annotations": _dicts(
            annotations.image_ids[annotations.box_image],
            annotations.labels,
            annotations.bboxes,
            annotations.areas,
            regions,
        ),
    }


def _dicts(
    image_ids: np.ndarray,
    labels: np.ndarray,
    xywh: np.ndarray,
    areas: np.ndarray,
    regions: np.ndarray,
) -> list[dict[str, Any]]:
    # tolist(): the evaluators want Python numbers, and a whole column at once is quickest
    columns = zip(
        range(1, len(xywh) + 1),
        image_ids.tolist(),
        (labels + 1).tolist(),
        xywh.tolist(),
        areas.tolist(),
        regions.astype(int).tolist(),
        strict=True,
    )
    return [
        {
            "id": key,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "iscrowd": crowd,
        }
        for key, image, category, box, area, crowd in columns
    ]


def coco_results(
    annotations: Annotations, detections: Detections, ann_file: str | Path | None = None
) -> list[dict[str, Any]]:
    """Return one dict a detection: ``image_id``, ``category_id``, ``bbox`` xywh, ``score``.

    The ids are those that stand in ``ann_file``, so that any COCO tool reads the results beside
    it. Without a file they are those of ``fish_dataset.coco.coco_dict(annotations)``:
    ``Annotations.image_ids``, and ``Annotations.classes`` counted from 1.
    """
    images: dict[int, Any] = dict(enumerate(annotations.image_ids.tolist()))
    labels: dict[int, Any] = {label: label + 1 for label in range(len(annotations.classes))}
    if ann_file is not None:
        rows_of, labels_of = file_ids(Path(ann_file), annotations)
        images |= {row: key for key, row in rows_of.items()}
        labels |= {label: key for key, label in labels_of.items()}
    columns = zip(
        [images[row] for row in detections.image_row.tolist()],
        [labels[label] for label in detections.labels.tolist()],
        detections.xywh().tolist(),
        detections.scores.tolist(),
        strict=True,
    )
    return [
        {"image_id": image, "category_id": category, "bbox": box, "score": score}
        for image, category, box, score in columns
    ]


def write_results(
    path: str | Path,
    annotations: Annotations,
    detections: Detections,
    ann_file: str | Path | None = None,
) -> Path:
    """Write :func:`coco_results` to ``path``, whole or not at all; folders are made.

    Raises:
        FishdetError: the file cannot be written, with the system's reason.
    """
    target = Path(path)
    text = json.dumps(coco_results(annotations, detections, ann_file), allow_nan=False)

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, write)
    except OSError as error:
        raise FishdetError(
            f"cannot write the results file {target}: {error.strerror or error}; "
            "give another path or free the folder"
        ) from error
    return target
