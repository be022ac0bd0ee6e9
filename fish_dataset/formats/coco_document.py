"""One COCO document, with what cannot be used sorted out and counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fish_dataset.findings import FindingLog
from fish_dataset.formats.builder import Builder, is_class_name
from fish_dataset.reading.categories import read_categories
from fish_dataset.reading.document import load_document
from fish_dataset.reading.ids import is_id, positive_ids, resolve

EMPTY = "empty"
"""LILA's category of pictures without animals."""

_META = {
    "site": ("site", "location"),
    "video": ("video", "seq_id", "video_id"),
    "frame": ("frame", "frame_num", "frame_id"),
}


class Image(NamedTuple):
    """An image entry that can be used; ``key`` is its row in the file."""

    key: int
    file_name: str
    width: int | None
    height: int | None
    meta: dict[str, str]


class Box(NamedTuple):
    """An annotation with four numbers, a known image and a known class; ``at`` counts from 1."""

    image: int
    xywh: tuple[float, float, float, float]
    name: str
    crowd: bool
    ignore: bool
    area: float
    at: int


@dataclass(frozen=True)
class Document:
    """The usable images and classes of a file, and its boxes as they are asked for."""

    path: Path
    classes: tuple[str, ...]
    images: list[Image]
    entries: list[dict]
    rows: list[int]
    names: list[str]

    @property
    def boxes(self) -> Iterator[Box]:
        """The boxes, without a list of them: there may be a million."""
        for position, (row, name) in enumerate(zip(self.rows, self.names, strict=True)):
            if row >= 0:
                entry = self.entries[position]
                yield Box(
                    row,
                    box_of(entry) or (0.0, 0.0, 0.0, 0.0),
                    name,
                    _is_set(entry.get("iscrowd")),
                    _is_set(entry.get("ignore")),
                    _area(entry.get("area")),
                    position + 1,
                )


def document_of(path: Path, builder: Builder) -> Document:
    """Reads a COCO file; images and annotations that cannot be used go to ``builder`` as losses.

    Raises:
        FishDataError: the file is unreadable or has not COCO's three lists of objects.
    """
    lists = load_document(path, FindingLog(str(path)))
    categories, classes = _categories(lists, path, builder)
    entries: list[dict[str, Any]] = lists["annotations"]
    lost = _lost_images(lists["images"], path, builder)
    rows, names = _references(lists["images"], entries, categories, path, builder, set(lost))
    lost.update(_labelled_as_a_whole(entries, rows, lists["images"], categories, builder, path))
    images = _images(lists["images"], lost)
    for row in (row for row, reason in lost.items() if reason):
        builder.lose(lost[row], f"{path.name}, image {row + 1}", _name(lists["images"][row]), 0)
    return Document(path, classes, images, entries, rows, names)


def box_of(entry: dict) -> tuple[float, float, float, float] | None:
    """The box of an annotation: its ``bbox``, else around its polygons; None where it has none."""
    numbers = _numbers(entry.get("bbox"))
    if numbers is not None and len(numbers) == 4:
        return numbers[0], numbers[1], numbers[2], numbers[3]
    polygons = entry.get("segmentation")
    if entry.get("bbox") or not isinstance(polygons, list) or not polygons:
        return None
    points: list[float] = []
    for polygon in polygons:
        numbers = _numbers(polygon)
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:
            return None
        points += numbers
    x, y = min(points[::2]), min(points[1::2])
    return x, y, max(points[::2]) - x, max(points[1::2]) - y


def _categories(
    lists: dict[str, list[dict]], path: Path, builder: Builder
) -> tuple[dict[object, str], tuple[str, ...]]:
    """Class name by category id, and the classes in order, ``empty`` left out."""
    read = read_categories(lists, FindingLog(str(path)))
    if read.classes:
        named = {
            key: read.classes[label].strip()
            for key, label in zip(read.ids, read.labels.tolist(), strict=True)
            if label >= 0
        }
        if len(named) < len(read.ids):
            builder.note("Roboflow's dummy category 0, which has no boxes, is left out")
        order = read.classes
    else:
        named, order = _tolerant(lists["categories"], path, builder)
    return named, tuple(name.strip() for name in order if not _is_empty(name))


def _tolerant(
    entries: list[dict], path: Path, builder: Builder
) -> tuple[dict[object, str], tuple[str, ...]]:
    """Of a list with faults: the categories that can be used; a name used twice is one class."""
    named: dict[object, str] = {}
    for row, entry in enumerate(entries):
        key = entry.get("id")
        name = entry["name"].strip() if isinstance(entry.get("name"), str) else ""
        if not is_id(key) or not is_class_name(name) or key in named:
            where = f"{path.name}, category {row + 1}"
            builder.lose("category without a usable id and name", where, entry, 0)
            continue
        if name in named.values():
            builder.count("category has the name of another one; they are one class now")
        named[key] = name
    return named, tuple(dict.fromkeys(named.values()))


def _references(
    images: list[dict],
    entries: list[dict],
    categories: dict[object, str],
    path: Path,
    builder: Builder,
    lost: set[int],
) -> tuple[list[int], list[str]]:
    """Image row (-1: not to be used) and class name of each annotation; losses are counted."""
    ids = list(categories)
    image, _ = resolve([entry.get("image_id") for entry in entries], _unique(images))
    kind, _ = resolve([entry.get("category_id") for entry in entries], ids)
    rows, names = image.tolist(), []
    for position, label in enumerate(kind.tolist()):
        name = categories[ids[label]] if label >= 0 else ""
        names.append(name)
        reason = _fault(entries[position], rows[position], label, name, lost)
        if reason is None:
            continue
        if reason:
            where = f"{path.name}, annotation {position + 1}"
            builder.lose(reason, where, _told(entries[position]), name=name)
        # An image-level label keeps its row, as -2 - row, until images are judged by it.
        rows[position] = -2 - rows[position] if reason == _NO_BOX else -1
    return rows, names


_NO_BOX = "no box (a label for the whole picture)"


def _fault(entry: dict, row: int, label: int, name: str, lost: set[int]) -> str | None:
    """Why an annotation cannot be used; '' where it is no box by intent; None where it can."""
    if label >= 0 and _is_empty(name) and not entry.get("bbox"):
        return ""
    if row < 0:
        return "image_id names no image of the file (or two)"
    if row in lost:
        return "box of an image entry that cannot be used"
    if label < 0:
        return "category_id names no category of the file"
    if not entry.get("bbox") and not entry.get("segmentation"):
        return _NO_BOX
    if _is_empty(name):
        return "box of the category 'empty'"
    return None if box_of(entry) is not None else "bbox is not four numbers"


def _lost_images(images: list[dict], path: Path, builder: Builder) -> dict[int, str]:
    """Reason by row of the entries that cannot be used."""
    lost = {}
    twice = _ambiguous(images)
    for row, entry in enumerate(images):
        name = entry.get("file_name")
        if not isinstance(name, str) or not name.strip():
            lost[row] = "image entry without a file_name"
        elif not is_id(entry.get("id")):
            lost[row] = "image entry without an id"
        elif row in twice:
            lost[row] = "image id is used by two pictures"
        elif _is_set(entry.get("corrupt")):
            lost[row] = "image is marked as corrupt by the source"
    return lost


def _labelled_as_a_whole(
    entries: list[dict],
    rows: list[int],
    images: list[dict],
    categories: dict[object, str],
    builder: Builder,
    path: Path,
) -> dict[int, str]:
    """Images with a label but no box: fish are somewhere in them, so that they are no negatives."""
    labelled = {-2 - row for row in rows if row <= -2}
    boxed = {row for row in rows if row >= 0}
    reason = "picture with a label but no box (left out: it is no picture without fish)"
    return dict.fromkeys(sorted(labelled - boxed), reason)


def _images(entries: list[dict], lost: dict[int, str]) -> list[Image]:
    renumbered = positive_ids([entry.get("id") for entry in entries]) is None
    kept = []
    for row, entry in enumerate(entries):
        if row in lost:
            continue
        meta = {key: _meta(entry, names) for key, names in _META.items()}
        meta["source_id"] = str(entry["id"]) if renumbered else ""
        sides = _side(entry.get("width")), _side(entry.get("height"))
        kept.append(Image(row, entry["file_name"], *sides, meta))
    return kept


def _unique(images: list[dict]) -> list[object]:
    """Ids by row; a second use is hidden, so that references are resolved to the first."""
    seen: set[object] = set()
    ids: list[object] = []
    for entry in images:
        key = entry.get("id")
        usable = is_id(key) and key not in seen
        ids.append(key if usable else None)
        if usable:
            seen.add(key)
    return ids


def _ambiguous(images: list[dict]) -> set[int]:
    """Rows whose id stands for two different pictures."""
    first: dict[object, int] = {}
    rows = set()
    for row, entry in enumerate(images):
        key = entry.get("id")
        other = first.setdefault(key, row) if is_id(key) else row
        if other != row and entry.get("file_name") != images[other].get("file_name"):
            rows |= {row, other}
    return rows


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list):
        return None
    kinds = set(map(type, value))
    if kinds <= {int, float}:
        return [float(number) for number in value]
    try:  # some tools write numbers as text
        return [float(number) for number in value] if kinds <= {int, float, str} else None
    except ValueError:
        return None


def _area(value: object) -> float:
    return float(value) if type(value) in (int, float) else 0.0  # type: ignore[arg-type]


def _side(value: object) -> int | None:
    fine = type(value) is int or (isinstance(value, float) and math.isfinite(value))
    return int(value) if fine else None  # type: ignore[call-overload]


def _meta(entry: dict, names: tuple[str, ...]) -> str:
    values = (entry.get(name) for name in names)
    found = next((v for v in values if isinstance(v, (int, str)) and not isinstance(v, bool)), "")
    text = str(found)
    return text if text.isascii() or is_class_name(text) else ""


def _is_set(value: object) -> bool:
    return value in (1, True, "1", "true", "True")


def _is_empty(name: str) -> bool:
    return name.strip().casefold() == EMPTY


def _name(entry: dict) -> object:
    return entry.get("file_name", entry.get("id"))


def _told(entry: dict) -> str:
    keys = ("id", "image_id", "category_id", "bbox")
    return ", ".join(f"{key} {entry[key]!r}" for key in keys if key in entry)
