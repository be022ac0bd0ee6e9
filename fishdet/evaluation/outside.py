"""Detections of any outside detector: COCO results JSON, read with distrust.

The format: a list of objects with ``image_id``, ``category_id``, ``bbox`` (x, y, width, height
in pixels) and ``score``, https://cocodataset.org/#format-results, 2026-11-25. What cannot be
scored is refused by name: nothing is dropped or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco

from ..errors import FishdetError
from .box_form import require_form
from .detections import Detections
from .file_ids import file_ids

BoxForm = Literal["xywh", "xyxy"]


_NO_NUMBER = rb"[:\[,]\s*(?:NaN|-?Infinity|null)\s*(?=[,}\]])"


class _Entry(msgspec.Struct):
    image_id: int | str
    category_id: int | str
    bbox: list[float]
    score: float


@dataclass(frozen=True)
class Outside:
    """Ground truth and the detections of a results file on its rows."""

    annotations: Annotations
    detections: Detections


def read_outside(
    results: str | Path,
    ann_file: str | Path,
    *,
    classes: Sequence[str] | None = None,
    box_form: BoxForm = "xywh",
) -> Outside:
    """Read a results file against the annotation file that it was made for.

    Image ids are the file's own; texts may be file names, with or without folder and ending.

    Args:
        results: COCO results JSON; an empty list is a detector that found nothing.
        ann_file: COCO annotation file, whose ids the results use.
        classes: class order to use; by default that of the annotation file.
        box_form: how ``bbox`` is meant; COCO's is ``xywh``.

    Raises:
        FishdetError: no such file, no list of results, an entry without its fields, image or
            category ids that the annotation file has not, scores that are NaN, infinite or
            negative, boxes that are no four finite numbers, and boxes that by their statistics
            are of another form (corners, or fractions of the image).
        FishDataError: the annotation file is at fault.
    """
    path, truth = Path(results), Path(ann_file)
    annotations, _ = read_coco(truth, classes=classes, check_images=False)
    entries = _read(path)
    if not entries:
        return Outside(annotations, Detections.empty())
    images, labels = _ids(truth, annotations)
    rows = _look_up(path, "image_id", [e.image_id for e in entries], images, truth)
    found = _look_up(path, "category_id", [e.category_id for e in entries], labels, truth)
    boxes = _boxes(path, entries)
    scores = _scores(path, entries)
    require_form(path, boxes, rows, annotations, box_form)
    if box_form == "xywh":
        boxes[:, 2:] += boxes[:, :2]
    detections = Detections(rows, boxes, scores, found)
    try:
        detections.check(annotations.num_images, len(annotations.classes))
    except FishdetError as error:
        raise FishdetError(f"{path}: {error}") from error
    return Outside(annotations, detections)


def _read(path: Path) -> list[_Entry]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FishdetError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return msgspec.json.decode(data, type=list[_Entry])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FishdetError(
            f"{path}: {_hint(data, error)}. Expected COCO results: a list of objects with "
            "image_id, category_id, bbox [x, y, width, height] and score"
        ) from error


def _hint(data: bytes, error: Exception) -> str:
    text = str(error)
    # Python writes NaN and Infinity, which JSON has not
    if re.search(_NO_NUMBER, data):
        where = len(re.findall(_NO_NUMBER, data))
        return f"a score or a box is NaN, infinite or null, {where} values in all ({text})"
    if data.lstrip()[:1] == b"{" and b'"annotations"' in data:
        return "this is an annotation file, not results (it holds an object with 'annotations')"
    return text


def _ids(truth: Path, annotations: Annotations) -> tuple[dict[Any, int], dict[Any, int]]:
    """Image id → row and category id → label, by the ids that stand in the file."""
    images, labels = file_ids(truth, annotations)
    row_of = {name: row for row, name in enumerate(annotations.file_names)}
    for name, row in _unambiguous(row_of).items():
        images.setdefault(name, row)
    return images, labels


def _unambiguous(row_of: Mapping[str, int]) -> dict[str, int]:
    """File names without folder and without ending too, where they lead to one image."""
    result: dict[str, int] = {}
    twice = set()
    for name, row in row_of.items():
        for short in {name, Path(name).name, Path(name).stem}:
            if result.setdefault(short, row) != row:
                twice.add(short)
    return {name: row for name, row in result.items() if name not in twice}


def _look_up(
    path: Path, field: str, values: list[Any], known: Mapping[Any, int], truth: Path
) -> np.ndarray:
    found = np.array([known.get(value, -1) for value in values], np.int64)
    unknown = np.flatnonzero(found < 0)
    if not len(unknown):
        return found
    missing = list(dict.fromkeys(values[i] for i in unknown))
    hint = ""
    if field == "category_id":
        given, ids = set(values), sorted(known, key=str)
        shifted = all(isinstance(v, int) and v + 1 in known for v in given)
        hint = f" It has {ids[:20]}."
        if shifted:
            hint += " All of them would fit with 1 added: does the detector count from 0?"
    raise FishdetError(
        f"{path}: {len(unknown)} of {len(values)} detections have {field} values that {truth} has "
        f"not, {missing[:5]}, the first is entry {unknown[0]}.{hint} Give the annotation file that "
        "the detector was run on, or map its ids."
    )


def _scores(path: Path, entries: list[_Entry]) -> np.ndarray:
    scores = np.array([entry.score for entry in entries], np.float64)
    wrong = np.flatnonzero(scores < 0)
    if len(wrong):
        first = entries[wrong[0]]
        raise FishdetError(
            f"{path}: {len(wrong)} of {len(entries)} scores are negative; the first is entry "
            f"{wrong[0]}, image_id {first.image_id!r}, category_id {first.category_id!r}: "
            f"{first.score:g}. AP asks for scores from 0 on"
        )
    return scores


def _boxes(path: Path, entries: list[_Entry]) -> np.ndarray:
    wrong = [i for i, entry in enumerate(entries) if len(entry.bbox) != 4]
    if wrong:
        raise FishdetError(
            f"{path}: {len(wrong)} of {len(entries)} bbox values are not four numbers; the first "
            f"is entry {wrong[0]}: {entries[wrong[0]].bbox}"
        )
    return np.array([entry.bbox for entry in entries], np.float64)
