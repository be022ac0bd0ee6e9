"""SageMaker Ground Truth manifests, in which OzFish comes: one JSON object a line, one a picture.

``source-ref`` names the picture; a key of the labelling job's name holds ``annotations``
(``class_id, left, top, width, height`` in pixels) and ``image_size``; the same key with
``-metadata`` holds ``class-map``. OzFish: https://github.com/open-AIMS/ozfish (README, "Bounding
Box Annotations"); the format:
https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/cd-manifest-files-object-detection.html
(both read 2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import Pictures, split_of
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import first_text, open_text

_SUFFIXES = (".manifest", ".jsonl", ".json")
_SIDES = ("left", "top", "width", "height")


def recognise(source: Path) -> str | None:
    """Evidence of a manifest: a line with ``source-ref`` and annotations."""
    found = _files(source)
    return f"{found[0].name} (SageMaker Ground Truth manifest)" if found else None


def read(source: Path, options: Options) -> Converted:
    """Reads every manifest of a folder, or the one given.

    Raises:
        FishDataError: none is found, or no line of them is a picture's.
    """
    files = [source] if source.is_file() else _files(source)
    if not files:
        raise FishDataError(f"{source}: holds no manifest (lines of JSON with 'source-ref')")
    builder = Builder(options.class_names, place="box", units_known=True)
    base = source if source.is_dir() else source.parent
    pictures = Pictures([top for top in (options.image_dir, base) if top is not None])
    for path in files:
        words = re.split(r"[^A-Za-z]+", path.stem)
        split = next(filter(None, map(split_of, words)), "")
        for number, line in _lines(path):
            where = f"{path.relative_to(base)}, line {number}"
            _add(builder, line, where, split, pictures, options)
    return builder.build(source, options.image_dir)


FORMATS = (
    Format("ground-truth", "SageMaker Ground Truth manifest (OzFish)", recognise, read, rank=2),
)


def _files(source: Path) -> list[Path]:
    patterns = [f"{depth}*{suffix}" for depth in ("", "*/") for suffix in _SUFFIXES]
    paths = [source] if source.is_file() else sorted({p for q in patterns for p in source.glob(q)})
    return [path for path in paths if path.suffix.lower() in _SUFFIXES and _is_manifest(path)]


def _is_manifest(path: Path) -> bool:
    text = first_text(path, 1 << 16).lstrip()
    return text.startswith("{") and '"source-ref"' in text.split("\n", 1)[0]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with open_text(path) as stream:
        yield from ((number, line) for number, line in enumerate(stream, 1) if line.strip())


def _add(
    builder: Builder, line: str, where: str, split: str, pictures: Pictures, options: Options
) -> None:
    try:
        entry = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        builder.lose("line that is no JSON, or was cut short", where, line.strip(), 0)
        return
    job = _job(entry)
    name = entry.get("source-ref") if isinstance(entry, dict) else None
    if job is None or not isinstance(name, str) or not name.strip():
        builder.lose("line without source-ref and a job's annotations", where, line.strip(), 0)
        return
    labels, classes = job
    base = name.rpartition("/")[2]  # of an address in a bucket
    sides = _size(labels)
    row = builder.image(split, pictures.find(base, split) or base, *sides)
    builder.reading(where)
    for number, box in enumerate(labels["annotations"], 1):
        numbers = _numbers(box)
        if numbers is None:
            builder.lose(
                "box without class_id, left, top, width, height", f"{where}, box {number}", box
            )
            builder.spoil(row)
            continue
        x, y, w, h = numbers
        builder.box(row, x, y, w, h, _name(box["class_id"], classes, options), at=number)


def _job(entry: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The labels of the one job of a line that has boxes, and its class names by number."""
    for key, value in entry.items() if isinstance(entry, dict) else ():
        if isinstance(value, dict) and isinstance(value.get("annotations"), list):
            meta = entry.get(f"{key}-metadata")
            classes = meta.get("class-map") if isinstance(meta, dict) else None
            return value, classes if isinstance(classes, dict) else {}
    return None


def _numbers(box: Any) -> tuple[float, float, float, float] | None:
    """Left, top, width, height of an annotation; None where it has not all, or no class."""
    if not isinstance(box, dict) or "class_id" not in box:
        return None
    values: list[Any] = [box.get(side) for side in _SIDES]
    if not all(type(value) in (int, float) for value in values):
        return None
    return values[0], values[1], values[2], values[3]


def _size(labels: dict[str, Any]) -> tuple[int | None, int | None]:
    size = labels.get("image_size")
    first = size[0] if isinstance(size, list) and size and isinstance(size[0], dict) else {}
    width, height = first.get("width"), first.get("height")
    return (width if type(width) is int else None), (height if type(height) is int else None)


def _name(number: object, classes: dict[str, Any], options: Options) -> str:
    if isinstance(number, int) and 0 <= number < len(options.class_names):
        return options.class_names[number]
    name = classes.get(str(number))
    return name if isinstance(name, str) else ""
