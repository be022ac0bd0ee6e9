"""A JSON file decoded at once, and in words what is wrong with one that cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from fish_dataset.errors import FishDataError

_BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"[^:]+ \(byte (\d+)\)$")


def decode_whole(path: Path, encoding: str = "utf-8") -> Any:
    """The value that the file holds. NaN and Infinity, which Python writes, are read though they
    are no JSON, so that checks can name the box.

    Args:
        path: the file.
        encoding: of its text; the bytes that messages name are those of its UTF-8 form.

    Raises:
        FishDataError: the file is missing, unreadable, empty, not UTF-8, no JSON or cut short
            (with line, column and byte).
    """
    data = _read(path)
    if not encoding.startswith("utf-8"):
        data = data.decode(encoding).encode()
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_slowly(data, path, error)


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


def _decode_slowly(data: bytes, path: Path, first: Exception) -> Any:
    """By Python's own decoder, which takes NaN; ``first`` is what the strict one said."""
    try:
        value = json.loads(data.decode(), parse_int=_bounded)
        if b"\\ud" in data or b"\\uD" in data:  # lone surrogates, which no UTF-8 file can hold
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise _encoding_error(data, path, error) from None
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 30) : error.end + 30]
        raise FishDataError(
            f"{path}: no valid JSON: lone surrogate near {near!r}; copy or export it again"
        ) from None
    except json.JSONDecodeError as error:
        nan = b"NaN" in data or b"Infinity" in data
        raise _syntax_error(data, path, str(error if nan else first), error) from None
    except RecursionError:
        raise FishDataError(f"{path}: nested too deep to be a COCO file") from None
    return value


def _bounded(digits: str) -> int | float:
    """An integer that 64 bits may not hold becomes a float."""
    return int(digits) if len(digits) < 20 else float(digits)


def _syntax_error(
    data: bytes, path: Path, message: str, error: json.JSONDecodeError
) -> FishDataError:
    """``message`` names the byte where it comes from msgspec; ``error`` is Python's."""
    named = _BYTE.search(message)
    byte = int(named[1]) if named else len(error.doc[: error.pos].encode())
    cut = "truncated" in message or not data[byte:].strip()
    byte = len(data) if cut else byte
    before = data[:byte].decode(errors="replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    place = f"line {line}, column {column}, byte {byte} of {len(data)}"
    if cut:
        return FishDataError(
            f"{path}: cut short: the JSON ends in the middle, at {place}; copy or export it again"
        )
    near = (data[max(0, byte - 30) : byte + 30]).decode(errors="ignore")
    what = named[0].partition(" (")[0] if named else error.msg
    return FishDataError(
        f"{path}: no valid JSON at {place}: {what}, near {near!r}; copy or export it again"
    )


def _encoding_error(data: bytes, path: Path, error: UnicodeDecodeError) -> FishDataError:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return FishDataError(f"{path}: is encoded as UTF-16; save it as UTF-8")
    line = data.count(b"\n", 0, error.start) + 1
    return FishDataError(
        f"{path}: is not UTF-8: byte {error.start} (line {line}) is 0x{data[error.start]:02x}; "
        "save it as UTF-8 (Korean text may have been saved as CP949, which "
        "tools/dataset/convert.py reads)"
    )
