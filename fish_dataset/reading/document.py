"""From a file on disk to decoded JSON with the lists that COCO has."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from fish_dataset.errors import FishDataError
from fish_dataset.findings import FindingLog

_BOM = b"\xef\xbb\xbf"
_LISTS = ("images", "annotations", "categories")


def load_document(path: Path, log: FindingLog) -> dict[str, list[dict]]:
    """The three lists of a COCO file, each a list of dicts.

    Raises:
        FishDataError: the file is missing, unreadable, empty, not UTF-8, no JSON or cut short
            (with line, column and byte), or has not COCO's lists of objects.
    """
    document = _decode(_read(path), path)
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


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FishDataError(
            f"{path}: no such annotation file; check ann_file and data_root (--data)"
        ) from None
    except IsADirectoryError:
        raise FishDataError(f"{path}: is a folder; name the JSON file in it") from None
    except OSError as error:
        raise FishDataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not data.strip():
        raise FishDataError(f"{path}: the file is empty; export or copy it again")
    return data.removeprefix(_BOM)


def _decode(data: bytes, path: Path) -> Any:
    try:
        with _no_collection():
            return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if b"NaN" in data or b"Infinity" in data:
            return _decode_with_nan(data, path)
        raise _syntax_error(data, path, error) from None


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


def _decode_with_nan(data: bytes, path: Path) -> Any:
    """Python writes NaN, which is no JSON; read it, so that the checks can name the box."""
    try:
        return json.loads(data.decode(), parse_int=_bounded)
    except UnicodeDecodeError as error:
        raise _encoding_error(data, path, error) from None
    except json.JSONDecodeError as error:
        raise _syntax_error(data, path, error) from None
    except RecursionError:
        raise FishDataError(f"{path}: nested too deep to be a COCO file") from None


def _bounded(digits: str) -> int | float:
    """As orjson does: an integer that 64 bits cannot hold becomes a float."""
    return int(digits) if len(digits) < 20 else float(digits)


def _syntax_error(data: bytes, path: Path, error: json.JSONDecodeError) -> FishDataError:
    try:
        text = data.decode()
    except UnicodeDecodeError as wrong:
        return _encoding_error(data, path, wrong)
    byte = len(text[: error.pos].encode())
    place = f"line {error.lineno}, column {error.colno}, byte {byte} of {len(data)}"
    if not text[error.pos :].strip():
        return FishDataError(
            f"{path}: cut short: the JSON ends in the middle, at {place}; copy or export it again"
        )
    start = max(0, error.pos - 30)
    return FishDataError(
        f"{path}: no valid JSON at {place}: {error.msg}, near "
        f"{text[start : error.pos + 30]!r}; copy or export it again"
    )


def _encoding_error(data: bytes, path: Path, error: UnicodeDecodeError) -> FishDataError:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return FishDataError(f"{path}: is encoded as UTF-16; save it as UTF-8")
    line = data.count(b"\n", 0, error.start) + 1
    return FishDataError(
        f"{path}: is not UTF-8: byte {error.start} (line {line}) is 0x{data[error.start]:02x}; "
        "save it as UTF-8 (Korean text may have been saved as CP949)"
    )


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
