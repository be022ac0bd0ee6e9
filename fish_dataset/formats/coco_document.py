"""One COCO document, with what cannot be used sorted out and counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fish_dataset.errors import FishDataError
from fish_dataset.findings import FindingLog
from fish_dataset.formats.builder import Builder, is_class_name
from fish_dataset.formats.text import encoding_of
from fish_dataset.reading.categories import read_categories
from fish_dataset.reading.column import Column
from fish_dataset.reading.document import BOX_KEYS, Lists, load_tables
from fish_dataset.reading.ids import is_id, positive_ids, resolve
from fish_dataset.reading.table import Table

EMPTY = "empty"
"""LILA's category of pictures without animals."""

_META = {
    "site": ("site", "location"),
    "video": ("video", "seq_id", "video_id"),
    "frame": ("frame", "frame_num", "frame_id"),
}

_IMAGE_KEYS = ("id", "file_name", "width", "height", "corrupt", *chain(*_META.values()))
_BOX_KEYS = (*BOX_KEYS, "segmentation")


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
    """The usable images and classes of a file, and its boxes as they are asked for; ``spoiled``
    are the keys of images that lost an annotation."""

    path: Path
    classes: tuple[str, ...]
    images: list[Image]
    entries: Table
    rows: list[int]
    names: list[str]
    spoiled: frozenset[int]

    @property
    def boxes(self) -> Iterator[Box]:
        """The boxes, without a list of them: there may be a million."""
        every = zip(self.rows, self.names, self.entries.entries(), strict=True)
        for position, (row, name, entry) in enumerate(every):
            if row >= 0:
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
    encoding = _encoding(path, builder)
    log = FindingLog(str(path))
    lists = load_tables(path, log, image_keys=_IMAGE_KEYS, box_keys=_BOX_KEYS, encoding=encoding)
    images, entries = lists.images, lists.annotations
    categories, classes = _categories(lists, path, builder)
    lost = _lost_images(images)
    spoiled: set[int] = set()
    rows, names = _references(images, entries, categories, path, builder, set(lost), spoiled)
    lost.update(_labelled_as_a_whole(rows))
    kept = _images(images, lost)
    for row, reason in lost.items():
        builder.lose(reason, f"{path.name}, image {row + 1}", _name(images.entry(row)), 0)
    return Document(path, classes, kept, entries, rows, names, frozenset(spoiled))


def _encoding(path: Path, builder: Builder) -> str:
    """The encoding of a COCO file; what is in none is left to the reader, which names the byte."""
    try:
        encoding = encoding_of(path)
    except FishDataError:
        return "utf-8"
    builder.note_encoding(path.name, encoding)
    return encoding


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
    lists: Lists, path: Path, builder: Builder
) -> tuple[dict[object, str], tuple[str, ...]]:
    """Class name by category id, and the classes in order, ``empty`` left out."""
    used = lists.annotations["category_id"]
    read = read_categories(lists.categories, used, FindingLog(str(path)))
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
        named, order = _tolerant(lists.categories, path, builder)
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
    images: Table,
    entries: Table,
    categories: dict[object, str],
    path: Path,
    builder: Builder,
    lost: set[int],
    spoiled: set[int],
) -> tuple[list[int], list[str]]:
    """Image row (-1: not to be used) and class name of each annotation; losses are counted, and
    the images that lost one join ``spoiled``."""
    ids = list(categories)
    image, _ = resolve(entries["image_id"], _unique(images["id"]))
    kind, _ = resolve(entries["category_id"], ids)
    rows, names = image.tolist(), []
    for position, (label, entry) in enumerate(zip(kind.tolist(), entries.entries(), strict=True)):
        name = categories[ids[label]] if label >= 0 else ""
        names.append(name)
        reason = _fault(entry, rows[position], label, name, lost)
        if reason is None:
            continue
        if reason:
            where = f"{path.name}, annotation {position + 1}"
            picture = str(images.entry(rows[position])["file_name"]) if rows[position] >= 0 else ""
            builder.lose(reason, where, _told(entry), name=name, picture=picture)
            spoiled.add(rows[position])
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


def _lost_images(images: Table) -> dict[int, str]:
    """Reason by row of the entries that cannot be used."""
    lost = {}
    twice = _ambiguous(images)
    for row, entry in enumerate(images.entries()):
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


def _labelled_as_a_whole(rows: list[int]) -> dict[int, str]:
    """Images with a label but no box: fish are somewhere in them, so that they are no negatives."""
    labelled = {-2 - row for row in rows if row <= -2}
    boxed = {row for row in rows if row >= 0}
    reason = "picture with a label but no box (left out: it is no picture without fish)"
    return dict.fromkeys(sorted(labelled - boxed), reason)


def _images(entries: Table, lost: dict[int, str]) -> list[Image]:
    renumbered = positive_ids(entries["id"]) is None
    kept = []
    for row, entry in enumerate(entries.entries()):
        if row in lost:
            continue
        meta = {key: _meta(entry, names) for key, names in _META.items()}
        meta["source_id"] = str(entry["id"]) if renumbered else ""
        sides = _side(entry.get("width")), _side(entry.get("height"))
        kept.append(Image(row, entry["file_name"], *sides, meta))
    return kept


def _unique(keys: Column) -> list[object]:
    """Ids by row; a second use is hidden, so that references are resolved to the first."""
    seen: set[object] = set()
    ids: list[object] = []
    for key in keys:
        usable = is_id(key) and key not in seen
        ids.append(key if usable else None)
        if usable:
            seen.add(key)
    return ids


def _ambiguous(images: Table) -> set[int]:
    """Rows whose id stands for two different pictures."""
    first: dict[object, int] = {}
    rows = set()
    names = images["file_name"]
    for row, (key, name) in enumerate(zip(images["id"], names, strict=True)):
        other = first.setdefault(key, row) if is_id(key) else row
        if other != row and name != names[other]:
            rows |= {row, other}
    return rows


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list):
        return None
    kinds = set(map(type, value))
    try:  # some tools write numbers as text; a number may have more digits than a float holds
        return [float(number) for number in value] if kinds <= {int, float, str} else None
    except (ValueError, OverflowError):
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
    return entry["id"] if entry["file_name"] is None else entry["file_name"]


def _told(entry: dict) -> str:
    keys = ("id", "image_id", "category_id", "bbox")
    return ", ".join(f"{key} {entry[key]!r}" for key in keys if entry[key] is not None)
