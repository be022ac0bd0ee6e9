"""What a source is that no format recognises, in words: empty, cut short, another kind of file."""

from __future__ import annotations

import re
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.pictures import is_picture, list_pictures
from fish_dataset.formats.text import encoding_of, first_text
from fish_dataset.reading.disk import describe_folder
from fish_dataset.reading.whole import decode_whole

LABELS = frozenset(
    {".json", ".jsonl", ".manifest", ".xml", ".csv", ".tsv", ".txt", ".dat", ".info"}
)
LABELS |= {".info", ".yaml", ".yml", ".data"}
"""Endings of files that may hold labels."""

_PATTERNS = ("*", "*/*", "*/*/*")
_SHOWN = 5
_LARGE = 256 << 20  # bytes; a larger JSON file is not decoded only to say what is in it
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def describe_file(path: Path) -> str:
    """What a file seems to be, without its name; never raises."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            data = stream.read(4096)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not data.strip():
        return "the file is empty" if not data else "the file holds nothing but blanks"
    if is_picture(path.name):
        return "a picture; pass the folder that holds the labels"
    text = first_text(path)
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return _describe_json(path, size)
    if start.startswith("<"):
        body = re.sub(r"<\?.*?\?>|<!--.*?-->", "", start, flags=re.DOTALL)
        root = _ROOT.search(body)
        return f"XML whose root is <{root[1]}>" if root else "XML that is cut off before its root"
    if b"\0" in data[:1024] and not start.isprintable():
        return "no text"
    try:
        encoding_of(path)
    except FishDataError:
        return "no text in any known encoding"
    return f"text that begins {start.splitlines()[0][:80]!r}"


def describe_source(source: Path) -> str:
    """What a file or folder seems to hold: for a folder its first label files, each in words."""
    if source.is_file():
        return f"{source.name} is {describe_file(source)}"
    files = [
        path
        for pattern in _PATTERNS
        for path in sorted(source.glob(pattern))
        if path.suffix.lower() in LABELS and path.is_file()
    ]
    lines = [describe_folder(source)]
    lines += [f"  {path.relative_to(source)}: {describe_file(path)}" for path in files[:_SHOWN]]
    if len(files) > _SHOWN:
        lines.append(f"  … and {len(files) - _SHOWN} more files that may hold labels")
    if not files:
        count = len(list_pictures(source))
        lines.append(f"  no file of labels in it or two folders below; {count} pictures")
    return "\n".join(lines)


def _describe_json(path: Path, size: int) -> str:
    if size > _LARGE:
        return "JSON of another kind"
    try:
        value = decode_whole(path, encoding_of(path))
    except FishDataError as error:
        return str(error).removeprefix(f"{path}: ")
    if isinstance(value, dict):
        keys = ", ".join(list(map(str, value))[:8]) or "none"
        return f"JSON with the keys {keys}; COCO has images, annotations, categories"
    return f"JSON, a {type(value).__name__} of {len(value)}; COCO is an object"
