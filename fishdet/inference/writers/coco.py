"""Write detections as one JSON file in COCO form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import supervision as sv

from fish_dataset.catalogue import display_name, find
from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError

from .result import ImageResult
from .rows import identification


def coco_dict(
    results: Iterable[ImageResult], classes: Sequence[str], info: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return results as a COCO dictionary: info, images, categories, annotations, ids from 1.

    The full form was chosen over COCO's bare list of results, as it names its images and classes
    and so can be read alone: ``pycocotools.coco.COCO(path)`` loads it, labelling tools open it,
    and ``COCO(truth).loadRes(predictions['annotations'])`` compares it where the image and
    category ids are those of the truth. Each annotation has the score; boxes are xywh in pixels.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, result in enumerate(results, start=1):
        size = {"width": result.width, "height": result.height}
        images.append({"id": image_id, "file_name": result.file_name, **size})
        annotations += _annotations(result.detections, image_id, first_id=len(annotations) + 1)
    categories = [_category(number, name) for number, name in enumerate(classes, start=1)]
    return {
        "info": info or {},
        "images": images,
        "categories": categories,
        "annotations": annotations,
    }


def write_coco(path: Path, coco: dict[str, Any]) -> None:
    """Write a COCO dictionary, whole or not at all.

    Raises:
        FishdetError: the file cannot be written.
    """
    text = json.dumps(coco, ensure_ascii=False, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda temporary: _write_text(temporary, text))
    except OSError as error:
        raise FishdetError(f"{path}: not written: {error.strerror or error}") from error


def _annotations(detections: sv.Detections, image_id: int, first_id: int) -> list[dict[str, Any]]:
    if len(detections) == 0:
        return []
    columns = (detections.xyxy, detections.class_id, detections.confidence)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        _annotation(first_id + index, image_id, *row) | identification(detections, index)
        for index, row in enumerate(rows)
    ]


def _annotation(
    annotation_id: int, image_id: int, box: list[float], label: int, score: float
) -> dict[str, Any]:
    left, top, right, bottom = (round(value, 2) for value in box)
    width, height = round(right - left, 2), round(bottom - top, 2)
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": label + 1,
        "bbox": [left, top, width, height],
        "area": round(width * height, 2),
        "iscrowd": 0,
        "score": round(score, 5),
    }


def _category(number: int, name: str) -> dict[str, Any]:
    species = find(name)
    korean = display_name(name, "ko")
    category: dict[str, Any] = {"id": number, "name": name}
    if korean != name:
        category["name_ko"] = korean
    if species is not None and species.scientific_name:
        category["scientific_name"] = species.scientific_name
    return category


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
