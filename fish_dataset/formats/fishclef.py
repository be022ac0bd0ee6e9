"""FishCLEF (LifeCLEF 2014, 2015): an XML file a video, ``<frame id>`` with
``<object fish_species x y w h>``.

The set's home says that each video has an XML file (UTF-8) of its own name, and that only fish of
which the species was clear are labelled (https://github.com/perceivelab/FishCLEF-2015, README.md at
commit 009af53, read 2026-11-28). It gives no schema; these facts are from the Community Fish
Detector's reader (https://github.com/filippovarini/community-fish-detector-dataset,
datasets/fishclef.py at commit a4098b9, read 2026-11-28): frames count from 0 in a Flash video
(``.flv``), x, y, w, h are its pixels from the top left corner, the species stands in
``fish_species`` (training) or ``species_name`` (test), ``NULL`` where nobody knew it, and the
archive of https://zenodo.org/records/15202605 unpacks as ``training_set`` and ``test_set``, each
with ``gt`` and ``videos``. No file of the set has been read with this yet.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import split_of
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import first_text
from fish_dataset.formats.video_frames import Shot, Shots
from fish_dataset.formats.voc_xml import decode_xml, parse_xml

_MARK = re.compile(r"<frame\s[^>]*>.*?<object\s[^>]*(?:fish_species|species_name)=", re.DOTALL)
_SIDES = ("x", "y", "w", "h")
_Found = list[tuple[ElementTree.Element, Shot | None, int]]


def recognise(source: Path) -> str | None:
    """Evidence of FishCLEF's XML."""
    found = _files(source)
    return f"{found[0].name} (FishCLEF)" if found else None


def read(source: Path, options: Options) -> Converted:
    """Reads every XML file of a folder, or one, and takes the labelled frames from the videos.

    Raises:
        FishDataError: no such file, frames of a video in a dry run, or a video cannot be opened.
    """
    files = [source] if source.is_file() else _files(source)
    if not files:
        raise FishDataError(f"{source}: holds no XML file of FishCLEF")
    builder = Builder(options.class_names, place="object", units_known=True)
    base = source if source.is_dir() else source.parent
    shots = Shots([top for top in (options.image_dir, base) if top is not None], options.frames)
    asked = [(path, _ask(path, base, shots, builder)) for path in files]
    taken = shots.take(builder)
    for path, found in asked:
        _add(builder, path, base, found, taken)
    return builder.build(source, options.image_dir)


FORMATS = (Format("fishclef", "FishCLEF XML over videos", recognise, read, rank=2),)


def _files(source: Path) -> list[Path]:
    paths = [source] if source.is_file() else sorted(source.rglob("*.xml"))
    return [path for path in paths if path.suffix == ".xml" and _MARK.search(first_text(path))]


def _ask(path: Path, base: Path, shots: Shots, builder: Builder) -> _Found:
    """The frames of a file with the shot of each; files that cannot be read are losses."""
    try:
        root = parse_xml(decode_xml(path)[0])
    except FishDataError as error:
        root = str(error)
    if isinstance(root, str):
        builder.lose("XML file cannot be read", str(path.relative_to(base)), root, 0)
        return []
    found: _Found = []
    for entry in root.iter("frame"):
        number = entry.get("id", "")
        frame = int(number) if number.isascii() and number.isdecimal() else -1
        shot = shots.ask(path.stem, frame, f"{path.stem}_{frame:06d}.jpg")
        found.append((entry, shot, frame))
    return found


def _add(
    builder: Builder,
    path: Path,
    base: Path,
    found: _Found,
    taken: dict[Shot, tuple[Path, tuple[int, int]]],
) -> None:
    inner = path.relative_to(base)
    words = [word for part in inner.parts[:-1] for word in re.split(r"[^A-Za-z]+", part)]
    split = next(filter(None, map(split_of, words)), "")
    for entry, shot, frame in found:
        where = f"{inner}, frame {max(frame, 0)}"
        missing = (f"{path.stem} frame {frame}", (0, 0))
        picture, size = taken.get(shot, missing) if shot is not None else missing
        row = builder.image(
            split, picture, *size, measured=size[0] > 0, video=path.stem, frame=str(frame)
        )
        builder.reading(where)
        for number, fish in enumerate(entry.iter("object"), 1):
            name = fish.get("fish_species") or fish.get("species_name") or ""
            try:
                x, y, w, h = (float(fish.get(side, "")) for side in _SIDES)
            except ValueError:
                place = f"{where}, object {number}"
                builder.lose("object without x, y, w, h", place, dict(fish.attrib), name=name)
                builder.spoil(row)
                continue
            builder.box(row, x, y, w, h, name, at=number)
