"""FathomNet's JSON: pictures from the deep sea with boxes by concept.

What FathomNet's API and its client return: a list of images (or one image), each with ``uuid``,
``url``, ``width``, ``height`` and ``boundingBoxes``; a box has ``x y width height`` in pixels,
``concept`` (a name of WoRMS or of MBARI's knowledge base), ``altConcept``, ``groupOf``,
``rejected`` and more. Looked up on 2026-11-25:
https://github.com/fathomnet/fathomnet-py/blob/main/src/fathomnet/dto.py (AImageDTO,
ABoundingBoxDTO).

Pictures are expected as that client's ``fathomnet-generate`` names them, ``<uuid>.<ending of the
url>``, or as the url does. Boxes of groups become crowd boxes; rejected ones are not taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fish_dataset.errors import FishDataError
from fish_dataset.formats.pictures import Pictures, displayed_size
from fish_dataset.formats.source import Builder, Converted, Format, Options, split_of
from fish_dataset.formats.table_boxes import RESIZED, SHAPE, scale_between
from fish_dataset.formats.text import first_text, read_text

_KEYS = ('"boundingBoxes"', '"concept"')
_LISTS = ("images", "content", "data", "results")


def recognise(source: Path) -> str | None:
    """A JSON file that mentions boundingBoxes near its start and no COCO annotations."""
    for path in _candidates(source):
        start = first_text(path, 1 << 16)
        if any(key in start for key in _KEYS) and '"category_id"' not in start:
            return f"{path.name} holds boundingBoxes, as FathomNet's API returns them"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads every FathomNet file of a folder, or one file.

    Raises:
        FishDataError: no such file, broken JSON, no images in it, or what ``Builder.build``
            raises.
    """
    paths = [path for path in _candidates(source) if source.is_file() or recognise(path)]
    if not paths:
        raise FishDataError(f"{source}: no FathomNet JSON; pass the file that the API returned")
    builder = Builder(options.class_names, place="box")
    base = source if source.is_dir() else source.parent
    pictures = Pictures([base] if options.image_dir is None else [options.image_dir, base])
    for path in paths:
        for number, image in enumerate(_images(path), start=1):
            _add_image(
                image, f"{path.name}, image {number}", split_of(path.stem), pictures, builder
            )
    return builder.build(source, options.image_dir)


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".json" else []
    return sorted({*source.glob("*.json"), *source.glob("*/*.json")})


def _images(path: Path) -> list[Any]:
    text = read_text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FishDataError(f"{path}: is no JSON, or was cut short: {error}") from error
    if isinstance(document, dict):
        if "boundingBoxes" in document:
            return [document]
        document = next((document[key] for key in _LISTS if key in document), document)
    if not isinstance(document, list) or not document:
        raise FishDataError(
            f"{path}: holds no list of images with boundingBoxes, which FathomNet's API returns"
        )
    return document


def _add_image(image: Any, where: str, split: str, pictures: Pictures, builder: Builder) -> None:
    boxes = image.get("boundingBoxes") if isinstance(image, Mapping) else None
    boxes = [] if boxes is None else boxes
    names = _names(image) if isinstance(image, Mapping) else []
    if not names or not isinstance(boxes, list):
        count = len(boxes) if isinstance(boxes, list) else 0
        builder.lose("image without uuid and url, or without a list of boxes", where, image, count)
        return
    uuid = image["uuid"] if isinstance(image.get("uuid"), str) else ""
    picture = next((found for name in names if (found := pictures.find(name))), None)
    row = builder.image(split, picture or names[0], source_id=_clean(uuid))
    scale = _scale(image, picture, builder)
    builder.reading(where)
    for number, box in enumerate(boxes, start=1):
        _add_box(box, row, number, where, scale, builder)


def _scale(
    image: Mapping[str, Any], picture: Path | None, builder: Builder
) -> tuple[float, float] | None:
    """What boxes are multiplied by where the picture was resized; None where it was cut."""
    said = [image.get(key) for key in ("width", "height")]
    shown = displayed_size(picture) if picture is not None else None
    if shown is None or not all(type(value) is int and 0 < value < 2**31 for value in said):
        return 1.0, 1.0
    factors = scale_between((said[0], said[1]), shown[:2])  # type: ignore[arg-type]
    if factors not in (None, (1.0, 1.0)):
        builder.count(RESIZED)
    return factors


def _names(image: Mapping[str, Any]) -> list[str]:
    """Names that the picture may have on disk, the likeliest first."""
    uuid, url = image.get("uuid"), image.get("url")
    base = url.partition("?")[0].rpartition("/")[2] if isinstance(url, str) else ""
    ending = base.rpartition(".")[2] if "." in base else ""
    names = []
    if isinstance(uuid, str) and uuid:
        endings: Iterable[str] = dict.fromkeys([ending, "png", "jpg", "jpeg"])
        names = [f"{uuid}.{end}" for end in endings if end]
    return [name for name in (*names, base) if name and _clean(name)]


def _clean(text: str) -> str:
    """``text``, or '' where it could not be written as UTF-8 (JSON may hold half a character)."""
    return "" if any("\ud800" <= char <= "\udfff" for char in text) else text


def _add_box(
    box: Any,
    row: int,
    number: int,
    where: str,
    scale: tuple[float, float] | None,
    builder: Builder,
) -> None:
    place = f"{where}, box {number}"
    if not isinstance(box, Mapping):
        builder.lose("box that is no JSON object", place, box)
        builder.spoil(row)
        return
    concept = box.get("concept")
    name = concept if isinstance(concept, str) and _clean(concept) else ""
    values = [box.get(key) for key in ("x", "y", "width", "height")]
    if not all(type(value) in (int, float) for value in values):
        builder.lose("box without x, y, width and height as numbers", place, box, name=name)
        builder.spoil(row)
    elif box.get("rejected") is True:
        builder.lose("box that FathomNet's experts rejected", place, name, name=name)
    elif scale is None:
        builder.lose(SHAPE, place, name, name=name)
        builder.spoil(row)
    else:
        x, y, w, h = (_float(value) for value in values)
        sides = (x * scale[0], y * scale[1], w * scale[0], h * scale[1])
        builder.box(row, *sides, name, crowd=box.get("groupOf") is True, at=number)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON integers have no limit
        return float("inf")


FORMATS: tuple[Format, ...] = (
    Format("fathomnet", "FathomNet JSON (API and fathomnet-py)", recognise, read, rank=1),
)
