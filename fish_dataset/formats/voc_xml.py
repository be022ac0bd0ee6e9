"""One XML file of Pascal VOC, parsed without executing or fetching anything in it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from fish_dataset.errors import FishDataError
from fish_dataset.formats.text import encoding_of, read_text

_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARED = frozenset(
    {"iso-8859-1", "latin-1", "windows-1252", "euc-kr", "cp949", "ks_c_5601-1987", "shift_jis"}
)
"""Encodings that a file may declare beside those that ``read_text`` finds out."""

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NAMES_VOC = re.compile(r"\bVOC ?20\d\d\b|PASCAL VOC", re.IGNORECASE)


@dataclass(frozen=True)
class VocBox:
    """One object: left, top, right, bottom edge in pixels, or what is wrong with them in words;
    ``number`` counts from 1."""

    number: int
    name: str
    corners: tuple[float, float, float, float] | str
    difficult: bool


@dataclass(frozen=True)
class VocFile:
    """What a file says; ``size`` is None, None where it says nothing of use."""

    filename: str
    size: tuple[int | None, int | None]
    from_one: bool
    boxes: list[VocBox]
    encoding: str = "utf-8"


def parse_voc(path: Path) -> VocFile | str:
    """The objects of an XML file, or why it cannot be read, in words."""
    try:
        text, encoding = decode_xml(path)
    except FishDataError as error:
        return str(error)
    root = parse_xml(text)
    if isinstance(root, str):
        return root
    if root.tag != "annotation":
        return f"its root is <{root.tag}>, not <annotation>"
    from_one = any(
        _NAMES_VOC.search(_text(root, f"source/{tag}")) for tag in ("database", "annotation")
    )
    boxes = [_box(number, entry, from_one) for number, entry in enumerate(root.iter("object"), 1)]
    size = _length(_text(root, "size/width")), _length(_text(root, "size/height"))
    return VocFile(_text(root, "filename"), size, from_one, boxes, encoding)


def parse_xml(text: str) -> ElementTree.Element | str:
    """The root of an XML text, or what is wrong with it in words.

    A document type or entity is refused: no labelling tool writes one, and entities can blow a
    small file up to gigabytes.
    """
    if not text.strip():
        return "the file is empty"
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return "the file declares a document type or entity, which no labels need"
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        return f"no valid XML: {error}"


def decode_xml(path: Path) -> tuple[str, str]:
    """The text of an XML file and its encoding: by its first line, else as ``read_text``.

    Raises:
        FishDataError: it cannot be read or decoded.
    """
    try:
        with path.open("rb") as stream:
            declared = _ENCODING.search(stream.read(200))
    except OSError as error:
        raise FishDataError(f"{path}: cannot be read: {error.strerror or error}") from error
    name = declared.group(1).decode().lower() if declared else ""
    if name in _DECLARED:
        try:
            return path.read_bytes().decode(name), name
        except UnicodeDecodeError:
            return read_text(path), encoding_of(path)
    encoding = encoding_of(path)
    return read_text(path), encoding


def _box(number: int, entry: ElementTree.Element, from_one: bool) -> VocBox:
    name = _text(entry, "name")
    difficult = _text(entry, "difficult").lower() in ("1", "true", "yes")
    texts = [_text(entry, f"bndbox/{corner}") for corner in _CORNERS]
    if entry.find("bndbox") is None or not all(texts):
        return VocBox(number, name, "object without a whole bndbox", difficult)
    try:
        x1, y1, x2, y2 = map(float, texts)
    except ValueError:
        return VocBox(number, name, "bndbox holds something that is no number", difficult)
    shift = 1.0 if from_one else 0.0
    return VocBox(number, name, (x1 - shift, y1 - shift, x2, y2), difficult)


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _length(text: str) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value >= 1 else None
