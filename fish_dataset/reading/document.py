"""From a file on disk to the lists that COCO has: as columns, or as decoded JSON."""

from __future__ import annotations

import codecs
import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from fish_dataset.errors import FishDataError
from fish_dataset.findings import FindingLog
from fish_dataset.reading.stream import NotPlainError, stream_lists
from fish_dataset.reading.table import Table, TableBuilder
from fish_dataset.reading.whole import decode_whole

_LISTS = ("images", "annotations", "categories")
IMAGE_KEYS = ("id", "file_name", "width", "height")
BOX_KEYS = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore")


class Lists(NamedTuple):
    """The three lists of a COCO file, the long ones as columns."""

    images: Table
    annotations: Table
    categories: list[dict]


def load_tables(
    path: Path,
    log: FindingLog,
    *,
    image_keys: Iterable[str] = IMAGE_KEYS,
    box_keys: Iterable[str] = BOX_KEYS,
    advance: Callable[[int], None] = lambda done: None,
    encoding: str = "utf-8",
) -> Lists:
    """The three lists of a COCO file; of images and annotations the keys that are asked for.

    The file is read block by block; memory holds the columns and the objects of one block. Files
    in another ``encoding`` than UTF-8 are turned into it on the way.

    Args:
        path: The file.
        log: Takes the faults.
        image_keys: Keys of images.
        box_keys: Keys of annotations.
        advance: Called with the number of bytes just read.
        encoding: Of the file's text.

    Raises:
        FishDataError: the file is missing, unreadable, empty, not UTF-8, no JSON or cut short
            (with line, column and byte), or has not COCO's lists of objects.
    """
    image_keys, box_keys = tuple(image_keys), tuple(box_keys)
    try:
        return _stream(path, image_keys, box_keys, advance, encoding)
    except (NotPlainError, OSError):  # the file is at fault, or out of the ordinary
        lists = load_document(path, log, encoding)
    return Lists(
        Table.of(lists["images"], image_keys),
        Table.of(lists["annotations"], box_keys),
        lists["categories"],
    )


def load_document(path: Path, log: FindingLog, encoding: str = "utf-8") -> dict[str, list[dict]]:
    """The three lists of a COCO file, each a list of dicts with all that the file holds.

    Raises:
        FishDataError: as ``load_tables``.
    """
    with _no_collection():
        document = decode_whole(path, encoding)
    if not isinstance(document, dict):
        raise FishDataError(
            f"{path}: holds a JSON {_kind(document)}, not a COCO object with "
            f"{', '.join(_LISTS)}; export the annotations as COCO JSON"
        )
    missing = [key for key in _LISTS if key not in document]
    if missing:
        raise FishDataError(
            f"{path}: has no {', no '.join(map(repr, missing))} at its top level (it has "
            f"{', '.join(map(repr, document)) or 'nothing'}); a COCO file needs images, "
            "annotations ([] where there are none) and categories"
        )
    for key in _LISTS:
        if not isinstance(document[key], list):
            raise FishDataError(
                f"{path}: {key!r} is a JSON {_kind(document[key])}, not a list; "
                "export the annotations as COCO JSON"
            )
    lists = {key: document[key] for key in _LISTS}
    _check_entries(lists, log)
    return lists


def _stream(
    path: Path,
    image_keys: tuple[str, ...],
    box_keys: tuple[str, ...],
    advance: Callable[[int], None],
    encoding: str,
) -> Lists:
    images, boxes = TableBuilder(image_keys), TableBuilder(box_keys)
    categories: list[dict] = []
    takers = {"images": images.add, "annotations": boxes.add, "categories": categories.extend}
    decoders: dict[str, msgspec.json.Decoder] = {
        "images": images.decoder,
        "annotations": boxes.decoder,
        "categories": msgspec.json.Decoder(list[dict[str, Any]]),
    }
    found = set()
    with path.open("rb") as file, _no_collection():
        counted: Any = _Counting(file, advance)
        plain = encoding.startswith("utf-8")  # the decoders' own
        stream = counted if plain else codecs.EncodedFile(counted, "utf-8", encoding)
        for key, entries in stream_lists(stream, decoders):
            found.add(key)
            takers[key](entries)
    if found != set(_LISTS):
        raise NotPlainError
    return Lists(images.table(), boxes.table(), categories)


class _Counting:
    """A binary stream that tells how much was read of it."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream, self._advance = stream, advance

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._advance(len(data))
        return data


@contextmanager
def _no_collection() -> Iterator[None]:
    """Holds Python's cycle collector off: JSON has no cycles, and searching millions of new dicts
    for them takes several times as long as decoding does."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _check_entries(lists: dict[str, list], log: FindingLog) -> None:
    for key, entries in lists.items():
        if set(map(type, entries)) - {dict}:
            wrong = [row for row, entry in enumerate(entries) if type(entry) is not dict]
            places = {row: f"{key}[{row}]" for row in wrong}
            log.add_rows("not-an-object", wrong, places.__getitem__, entries.__getitem__)
    log.refuse()


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
