"""Detections from a COCO results file, ours or a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.findings import FindingLog
from fish_dataset.reading.categories import read_categories
from fish_dataset.reading.document import load_tables

from ...errors import FishdetError
from ..detections import Detections

CategoryIds = Literal["auto", "file", "counted"]
_KEYS = ("image_id", "category_id", "bbox", "score")
_LISTED = 5
_STICKING_OUT = 0.2  # share of boxes beyond the picture from which xyxy is suspected


def read_predictions(
    path: str | Path,
    annotations: Annotations,
    ann_file: str | Path,
    category_ids: CategoryIds = "auto",
) -> Detections:
    """Read a list of ``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``.

    The format: https://cocodataset.org/#format-results (read 2026-11-25). Image ids are those of
    the annotation file, and where it has others than integers from 1 also those that
    ``Annotations`` gives.

    Args:
        path: The results file.
        annotations: Ground truth.
        ann_file: The file that it was read from.
        category_ids: ``file``: those of the annotation file, as detectors elsewhere write them;
            ``counted``: the classes counted from 1, as ``tools/test.py`` writes them; ``auto``:
            whichever fits.

    Raises:
        FishdetError: no list of results; unknown images or categories; numbers that are NaN, no
            numbers or negative; boxes as x1, y1, x2, y2. Names the field, values and remedy.
    """
    file = Path(path)
    entries = _load(file)
    columns = {key: [entry.get(key) for entry in entries] for key in _KEYS}
    boxes = _numbers(file, columns["bbox"], "bbox", 4)
    scores: np.ndarray = _numbers(file, [[v] for v in columns["score"]], "score", 1)[:, 0]
    _refuse(file, scores < 0, "score", columns["score"],
            "a score is a probability; put logits through sigmoid or softmax first")  # fmt: skip
    _refuse(file, boxes[:, 2:].min(1, initial=0) < 0, "bbox", columns["bbox"],
            "width or height is negative: COCO's boxes are [x, y, width, height]")  # fmt: skip
    rows = _image_rows(file, columns["image_id"], annotations)
    labels = _labels(file, columns["category_id"], annotations, Path(ann_file), category_ids)
    _require_xywh(file, boxes, rows, annotations)
    boxes[:, 2:] += boxes[:, :2]
    return Detections(rows, boxes, scores, labels)


def _load(file: Path) -> list[dict[str, Any]]:
    try:
        value = msgspec.json.decode(_without_nan(file.read_bytes()))
    except OSError as error:
        raise FishdetError(f"{file}: cannot be read: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise FishdetError(f"{file}: is no JSON: {error}; write the results file again") from error
    if isinstance(value, dict) and "annotations" in value:
        value = value["annotations"]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise FishdetError(
            f"{file}: a COCO results file is a list of objects with {', '.join(_KEYS)}; got "
            f"{type(value).__name__}"
            + (f" with {', '.join(list(value)[:_LISTED])}" if isinstance(value, dict) else "")
        )
    return value


def _without_nan(data: bytes) -> bytes:
    """JSON has no NaN, Python writes it all the same: as null it is named with its place."""
    for word in (b"-Infinity", b"Infinity", b"NaN"):
        data = data.replace(word, b"null")
    return data


def _numbers(file: Path, values: Sequence[Any], field: str, width: int) -> np.ndarray:
    """(K, width) float64."""
    bad = np.array([not _is_row(value, width) for value in values], bool)
    shown = [value[0] for value in values] if width == 1 else values
    what = "a finite number" if width == 1 else f"{width} finite numbers"
    _refuse(file, bad, field, shown, f"expected {what}")
    return np.array(values, np.float64).reshape(-1, width)


def _is_row(value: Any, width: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == width
        and all(type(number) in (int, float) and abs(number) < 1e12 for number in value)
    )


def _refuse(file: Path, bad: np.ndarray, field: str, values: Sequence[Any], remedy: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise FishdetError(
            f"{file}: {int(bad.sum())} of {len(bad)} results have a bad {field}; the first is "
            f"[{first}].{field} = {values[first]!r}: {remedy}"
        )


def _image_rows(file: Path, ids: list[Any], annotations: Annotations) -> np.ndarray:
    rows: dict[Any, int] = {key: row for row, key in enumerate(annotations.image_ids.tolist())}
    if "source_id" in annotations.image_meta:  # the file's own, as texts; they go first
        source = {text: row for row, text in enumerate(annotations.image_meta["source_id"])}
        known = [source.get(str(key)) for key in ids]
        if None not in known:
            return np.array(known, np.int64)
    found = [rows.get(key) if type(key) in (int, str) else None for key in ids]
    unknown = list(dict.fromkeys(str(k) for k, row in zip(ids, found, strict=True) if row is None))
    if unknown:
        raise FishdetError(
            f"{file}: image_id {', '.join(unknown[:_LISTED])}"
            f"{f' and {len(unknown) - _LISTED} more' if len(unknown) > _LISTED else ''} not in the "
            f"ground truth, whose ids are {', '.join(map(str, list(rows)[:_LISTED]))} …; were the "
            "predictions made on another split? Name it with --split"
        )
    return np.array(found, np.int64)


def _labels(
    file: Path, ids: list[Any], annotations: Annotations, ann_file: Path, which: CategoryIds
) -> np.ndarray:
    counted = {label + 1: label for label in range(len(annotations.classes))}
    own = _own_categories(ann_file, annotations)
    used = {key if type(key) in (int, str) else repr(key) for key in ids}
    fits = {"file": used <= set(own), "counted": used <= set(counted)}
    if which == "auto":
        same = all(own[key] == counted[key] for key in used if key in own and key in counted)
        if fits["file"] and fits["counted"] and not same:
            raise FishdetError(
                f"{file}: category_id {sorted(used, key=str)[:_LISTED]} could be the ids of "
                f"{ann_file} or classes counted from 1; say --category-ids file (as detectors "
                "elsewhere write them) or counted (as tools/test.py does)"
            )
        which = "file" if fits["file"] else "counted"
    table: dict[Any, int] = own if which == "file" else counted
    if not fits[which]:
        unknown = sorted(used - set(own if which == "file" else {*own, *counted}), key=str)
        listed = ", ".join(f"{key} {annotations.classes[label]}" for key, label in own.items())
        raise FishdetError(
            f"{file}: category_id {', '.join(map(str, unknown[:_LISTED] or sorted(used, key=str)))}"
            f" is unknown; {ann_file} has {listed}. Map the detector's classes to these ids"
        )
    return np.array([table[key] for key in ids], np.int64)


def _own_categories(ann_file: Path, annotations: Annotations) -> dict[Any, int]:
    log = FindingLog(str(ann_file))
    lists = load_tables(ann_file, log, image_keys=(), box_keys=("category_id",))
    found = read_categories(
        lists.categories, lists.annotations["category_id"], log, classes=annotations.classes
    )
    log.refuse()
    return {k: int(n) for k, n in zip(found.ids, found.labels, strict=True) if n >= 0}


def _require_xywh(
    file: Path, boxes: np.ndarray, rows: np.ndarray, annotations: Annotations
) -> None:
    """Refuse corners in place of sizes: as sizes many leave the picture, as corners all fit."""
    if not len(boxes):
        return
    size = np.stack([annotations.widths[rows], annotations.heights[rows]], 1)
    outside = (boxes[:, :2] + boxes[:, 2:] > 1.05 * size).any(1)
    as_corners = (boxes[:, 2:] >= boxes[:, :2]) & (boxes[:, 2:] <= 1.05 * size)
    if outside.mean() >= _STICKING_OUT and as_corners.all():
        raise FishdetError(
            f"{file}: {int(outside.sum())} of {len(boxes)} boxes leave their picture as "
            "[x, y, width, height], and all lie inside as [x1, y1, x2, y2]: these are corners. "
            "Write width = x2 − x1 and height = y2 − y1"
        )
