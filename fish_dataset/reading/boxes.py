"""The box columns of a COCO file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fish_dataset.checks.boxes import (
    box_faults,
    clip_to_image,
    look_like_corners,
    look_normalised,
)
from fish_dataset.findings import FindingLog
from fish_dataset.reading.categories import Categories
from fish_dataset.reading.column import Column
from fish_dataset.reading.ids import is_id, positive_ids, repeated, resolve
from fish_dataset.reading.images import Images
from fish_dataset.reading.table import Table

_SLICE = 1 << 15


@dataclass(frozen=True)
class Boxes:
    """Columns of M boxes in the order of the file; meaningless where an error was noted."""

    ids: np.ndarray
    image: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    ignore: np.ndarray
    areas: np.ndarray


def read_boxes(entries: Table, images: Images, categories: Categories, log: FindingLog) -> Boxes:
    """Checks the annotation list and turns it into columns; faults go to ``log``."""
    if not entries:
        log.add("no-boxes", "annotations", [])
    source = entries["id"]
    ids = _read_ids(source, log)
    image = _references(entries["image_id"], "image_id", images.source_ids, "unknown-image", log)
    labels = _read_labels(entries["category_id"], categories, log)
    raw, readable = _read_bboxes(entries["bbox"], log)
    edges = Edges(images, image)
    cuts = _check_bboxes(raw, readable, edges, source, log)
    crowd = _flags(entries["iscrowd"], "iscrowd", log)
    ignore = _flags(entries["ignore"], "ignore", log)
    bboxes, areas = _cut(raw, edges if cuts else None, entries["area"], log)
    return Boxes(ids, image, bboxes, labels, crowd, ignore, areas)


def _field(key: str) -> Callable[[int], str]:
    return lambda row: f"annotations[{row}].{key}"


def _read_ids(values: Column, log: FindingLog) -> np.ndarray:
    ids = positive_ids(values)
    if ids is not None:
        return ids
    odd = [row for row, value in enumerate(values) if not is_id(value)]
    twice = [] if odd else repeated(values)
    if twice:
        log.add_rows("annotation-id-duplicate", twice, _field("id"), values.__getitem__)
    else:
        log.add_rows(
            "annotation-id-renumbered",
            range(len(values)),
            _field("id"),
            lambda row: f"{values[row]!r} → {row + 1}",
        )
    return np.arange(1, len(values) + 1, dtype=np.int64)


def _references(
    values: Column, key: str, ids: Sequence[object], rule: str, log: FindingLog
) -> np.ndarray:
    rows, by_kind = resolve(values, ids)
    for first, count in _distinct(values, np.flatnonzero(rows < 0)):
        shared = f" ({count} boxes)" if count > 1 else ""
        log.add(rule, _field(key)(first), f"{values[first]!r}{shared}", count)
    log.add_rows("reference-kind", by_kind, _field(key), values.__getitem__)
    return rows


def _read_labels(values: Column, categories: Categories, log: FindingLog) -> np.ndarray:
    rows = _references(values, "category_id", categories.ids, "unknown-category", log)
    if not categories.classes:
        return rows
    return np.append(categories.labels, -1).astype(np.int32)[rows]


def _distinct(values: Column, rows: np.ndarray) -> list[tuple[int, int]]:
    """The first of ``rows`` that holds each value, and how many hold it."""
    found: dict[str, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(repr(values[row]), []).append(row)
    return [(same[0], len(same)) for same in found.values()]


def _read_bboxes(column: Column, log: FindingLog) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (M, 4) float64 and a mask (M,) of those that are four numbers."""
    raw, readable = column.boxes()
    log.add_rows("box-format", np.flatnonzero(~readable), _field("bbox"), column.__getitem__)
    return raw, readable


class Edges(NamedTuple):
    """The pictures of boxes; one that is unknown, or of unknown size, has edges of 0."""

    images: Images
    image: np.ndarray

    def of(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Widths and heights (n,) of the pictures of some boxes."""
        rows = self.image[part]
        return np.append(self.images.widths, 0)[rows], np.append(self.images.heights, 0)[rows]


def _check_bboxes(
    raw: np.ndarray, readable: np.ndarray, edges: Edges, source: Column, log: FindingLog
) -> bool:
    """Notes faults of the boxes; False where they are no pixels, which no edge can cut."""
    widths, heights = edges.of(slice(None))

    def value(row: int) -> str:
        size = f" in a picture of {widths[row]} × {heights[row]}" if widths[row] else ""
        return f"{raw[row].tolist()} (id {source[row]!r}){size}"

    boxes = raw if readable.all() else raw[readable]
    if look_normalised(boxes):
        log.add("boxes-normalised", "annotations", f"the first is {boxes[0].tolist()}")
        return False
    if look_like_corners(raw, widths, heights):
        log.add("boxes-xyxy", "annotations", f"the first is {value(0)}")
        return False
    rows: dict[str, list[np.ndarray]] = {}
    for part in _slices(len(raw)):
        for rule, mask in box_faults(raw[part], widths[part], heights[part]).items():
            found = np.flatnonzero(mask & readable[part]) + part.start
            rows.setdefault(rule, []).append(found)
    for rule, places in rows.items():
        log.add_rows(rule, np.concatenate(places), _field("bbox"), value)
    return True


def _cut(
    raw: np.ndarray, edges: Edges | None, column: Column, log: FindingLog
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes cut at the edges of their pictures, xywh (M, 4) float32, and areas (M,) float32.

    An area is the file's where it is one, at most that of the box as it was cut. Boxes without
    edges, or of pictures whose width or height is 0, stay as they are.
    """
    bboxes, areas = np.empty(raw.shape, np.float32), np.empty(len(raw), np.float32)
    given = column.numbers()
    bad = [np.zeros(0, dtype=np.int64)]
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _slices(len(raw)):
            cut = raw[part]
            if edges is not None:
                widths, heights = edges.of(part)
                sized = (widths > 0) & (heights > 0)
                cut = np.where(sized[:, None], clip_to_image(raw[part], widths, heights), cut)
            full = cut[:, 2] * cut[:, 3]
            changed = (cut != raw[part]).any(axis=1)
            single = given[part].astype(np.float32)
            good = np.isfinite(single) & (single > 0)
            bad.append(np.flatnonzero(~good) + part.start)
            least = np.where(changed, np.minimum(given[part], full), given[part])
            bboxes[part], areas[part] = cut, np.where(good, least, full)
    log.add_rows("area-computed", np.concatenate(bad), _field("area"), column.__getitem__)
    return bboxes, areas


def _slices(count: int) -> Iterator[slice]:
    """Rows by the ten thousand: what is computed on the way takes as little memory as one slice."""
    return (slice(start, min(start + _SLICE, count)) for start in range(0, count, _SLICE))


def _flags(column: Column, key: str, log: FindingLog) -> np.ndarray:
    """(M,) bool; a flag that is missing or null is not set."""
    integers = column.integers()
    if integers is not None:
        bad = np.flatnonzero((integers != 0) & (integers != 1)).tolist()
    elif column.kinds <= {type(None)}:
        return np.zeros(len(column), dtype=bool)
    else:
        bad = [row for row, v in enumerate(column) if v is not None and not _is_flag(v)]
    log.add_rows("flag", bad, _field(key), column.__getitem__)
    if integers is not None:
        return integers == 1
    return np.fromiter((value == 1 for value in column), np.bool_, len(column))


def _is_flag(value: object) -> bool:
    return isinstance(value, (int, float)) and value in (0, 1)
