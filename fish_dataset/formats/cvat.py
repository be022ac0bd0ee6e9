"""CVAT for images 1.1: one XML file for all pictures, ``annotations.xml`` beside ``images/``.

``<image name width height>`` holds ``<box label xtl ytl xbr ybr>``, edges in pixels, and
``<polygon label points="x0,y0;x1,y1;…">``, which becomes the box around it. Other shapes have no
box and are losses; ``<tag>`` names a whole picture and is only counted. The format:
https://github.com/cvat-ai/cvat/blob/develop/site/content/en/docs/manual/advanced/xml_format.md
and, for the files of an export, https://docs.cvat.ai/v2.2.0/docs/manual/advanced/formats/format-cvat
(both read 2026-11-25). CVAT for video (``<track>``) keeps key frames of a video; its "CVAT for
images" export splits tracks by frames and is what is read here.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import Pictures, split_of, split_of_path
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import first_text
from fish_dataset.formats.voc_xml import decode_xml, parse_xml

_ROOT = re.compile(r"<annotations>.*?<(?:version|meta|image|track)\b", re.DOTALL)
_CORNERS = ("xtl", "ytl", "xbr", "ybr")
_NO_SHAPES = ("tag", "attribute")


def recognise(source: Path) -> str | None:
    """Evidence of CVAT's XML in a file, a folder or one folder below."""
    found = _files(source)
    return f"{found[0].name} (CVAT for images)" if found else None


def read(source: Path, options: Options) -> Converted:
    """Reads every CVAT file of a folder, or the one given.

    Raises:
        FishDataError: none is found, one is no valid XML, or it holds a video's tracks only.
    """
    files = [source] if source.is_file() else _files(source)
    if not files:
        raise FishDataError(f"{source}: holds no XML file of CVAT (root <annotations>)")
    roots = [(path, _root(path)) for path in files]
    names = [name.text or "" for _, root in roots for name in root.iterfind("meta//label/name")]
    builder = Builder([*options.class_names, *names], place="shape", units_known=True)
    base = source if source.is_dir() else source.parent
    tops = [top for top in (options.image_dir, base / "images", base) if top is not None]
    pictures = Pictures(tops)
    for path, root in roots:
        place = str(path.relative_to(base))
        for number, entry in enumerate(root.iter("image"), 1):
            _add_image(builder, entry, f"{place}, image {number}", pictures)
        for track in root.iter("track"):
            _lose_track(builder, track, place)
    return builder.build(source, options.image_dir)


FORMATS = (Format("cvat", "CVAT for images 1.1 (XML)", recognise, read, rank=2),)


def _files(source: Path) -> list[Path]:
    paths = (
        [source] if source.is_file() else sorted({*source.glob("*.xml"), *source.glob("*/*.xml")})
    )
    return [path for path in paths if path.is_file() and _ROOT.search(first_text(path))]


def _root(path: Path) -> ElementTree.Element:
    root = parse_xml(decode_xml(path)[0])
    if isinstance(root, str):
        raise FishDataError(f"{path}: {root}; export it from CVAT again")
    if root.tag != "annotations" or (root.find("image") is None and root.find("track") is not None):
        what = "tracks of a video" if root.tag == "annotations" else f"<{root.tag}>"
        raise FishDataError(f"{path}: holds {what}; export the task as 'CVAT for images 1.1'")
    return root


def _add_image(
    builder: Builder, entry: ElementTree.Element, where: str, pictures: Pictures
) -> None:
    name = entry.get("name", "").strip()
    shapes = [shape for shape in entry if shape.tag not in _NO_SHAPES]
    if not name:
        builder.lose("image without a name", where, dict(entry.attrib), len(shapes))
        return
    split = split_of(entry.get("subset", "")) or split_of_path(Path(name))
    sides = _side(entry.get("width")), _side(entry.get("height"))
    row = builder.image(split, pictures.find(name, split) or name, *sides)
    if entry.find("tag") is not None:
        builder.count("tag of a whole picture is not kept")
    builder.reading(where)
    for number, shape in enumerate(shapes, 1):
        label = shape.get("label", "")
        box = _box_of(shape)
        if isinstance(box, str):
            builder.lose(box, f"{where}, object {number}", shape.tag, name=label, picture=name)
            builder.spoil(row)
            continue
        if shape.tag == "polygon":
            builder.count("polygon became the box around it")
        elif _number(shape.get("rotation")):
            builder.count("turned box became the upright box around it")
        x1, y1, x2, y2 = box
        builder.box(row, x1, y1, x2 - x1, y2 - y1, label, at=number)


def _box_of(shape: ElementTree.Element) -> tuple[float, float, float, float] | str:
    """Left, top, right, bottom of a shape, or why it has none."""
    if shape.tag == "polygon":
        pairs = [point.split(",") for point in shape.get("points", "").split(";")]
        numbers = [_number(value) for pair in pairs for value in pair]
        if len(numbers) < 6 or None in numbers or any(len(pair) != 2 for pair in pairs):
            return "polygon without three points"
        xs, ys = numbers[::2], numbers[1::2]
        return min(xs), min(ys), max(xs), max(ys)  # type: ignore[type-var,return-value]
    if shape.tag != "box":
        return f"{shape.tag}, a shape that has no box"
    corners = [_number(shape.get(key)) for key in _CORNERS]
    x1, y1, x2, y2 = (math.nan if value is None else value for value in corners)
    if None in corners:
        return "box without four numbers"
    return _upright(x1, y1, x2, y2, math.radians(_number(shape.get("rotation")) or 0.0))


def _upright(
    x1: float, y1: float, x2: float, y2: float, angle: float
) -> tuple[float, float, float, float]:
    """The upright box around one that is turned about its centre."""
    if not angle:
        return x1, y1, x2, y2
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    half_w, half_h = (x2 - x1) / 2, (y2 - y1) / 2
    across, down = half_w * cos + half_h * sin, half_w * sin + half_h * cos
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - across, y - down, x + across, y + down


def _lose_track(builder: Builder, track: ElementTree.Element, place: str) -> None:
    boxes = sum(shape.get("outside") != "1" for shape in track)
    reason = "track of a video (export as 'CVAT for images 1.1')"
    builder.lose(reason, place, f"track {track.get('id')}", boxes, track.get("label", ""))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def _side(text: str | None) -> int | None:
    value = _number(text)
    return int(value) if value is not None else None
