"""VIAME CSV, which VIAME and DIVE write: detections and tracks on pictures or a video.

Nine columns: detection or track id; picture's name, or time stamp in a video; frame, counted from
0; box left, top, right, bottom in pixels; confidence of the detection or of the length; length of
the animal (0 or −1 where unknown). Then pairs of class and confidence, then attributes in cells
that begin with ``(``: ``(kp) head 12 30``, ``(atr) …``, ``(poly) …``. Lines that begin with ``#``
are comments. Looked up on 2026-11-25:
https://viame.readthedocs.io/en/stable/sections/detection_file_conversions.html and DIVE's reader
https://github.com/Kitware/dive/blob/main/server/dive_utils/serializers/viame.py, whose rules for
pairs, attributes and detections without a class (``unknown``) hold here too.

Each row is one box; the class of highest confidence is taken. Pictures are looked up by name.
Rows with a time stamp need the video: DIVE exports it beside the table, one folder a data set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fish_dataset.errors import FishDataError
from fish_dataset.findings import shorten
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import is_picture
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.tables import splits_of, stream
from fish_dataset.formats.text import first_text
from fish_dataset.formats.video import list_videos
from fish_dataset.formats.video_frames import Shot, Shots

UNKNOWN = "unknown"
"""Class of a detection that has none, as in DIVE."""

_MARK = re.compile(r"^#\s*1:\s*Detection or Track", re.IGNORECASE)
_ROW = re.compile(r"^-?\d+,[^,]*,\d+(,-?\d+(\.\d+)?([eE][-+]?\d+)?){4},[^,]*,")
_EXPECTED = (
    "id, picture or time stamp, frame, left, top, right, bottom, confidence, length, then pairs of "
    "class and confidence"
)


class Detection(NamedTuple):
    """One row: line, picture or time stamp, frame from 0, corners in pixels, class, confidence."""

    line: int
    name: str
    frame: int
    corners: tuple[float, float, float, float]
    label: str
    confidence: float
    pairs: int


def recognise(source: Path) -> str | None:
    """A CSV that begins with VIAME's header, or whose rows have its nine columns."""
    for path in _candidates(source):
        lines = [line for line in first_text(path).splitlines() if line.strip()]
        if lines and _MARK.match(lines[0]):
            return f"{path.name} begins with VIAME's header"
        rows = [line for line in lines if not line.startswith("#")]
        if rows and _ROW.match(rows[0]):
            return f"the rows of {path.name} have VIAME's nine columns"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads every VIAME table of a folder, or one file.

    Raises:
        FishDataError: no such table, rows that mostly cannot be read, frames of a video in a dry
            run, or what ``Builder.build`` raises.
    """
    paths = [path for path in _candidates(source) if source.is_file() or recognise(path)]
    if not paths:
        raise FishDataError(f"{source}: no VIAME table (.csv). Expected rows of {_EXPECTED}")
    builder = Builder(options.class_names, units_known=True)
    base = source if source.is_dir() else source.parent
    folders = [base] if options.image_dir is None else [options.image_dir, base]
    shots = Shots(folders, options.frames)
    tables = []
    for path, split in zip(paths, splits_of(paths), strict=True):
        detections = read_detections(path, builder)
        video = _video_of(path, folders)
        asked = [_ask(found, video, shots) for found in detections]
        tables.append((path, split, video, list(zip(detections, asked, strict=True))))
    taken = shots.take(builder)
    for path, split, video, found in tables:
        for detection, shot in found:
            _add(detection, shot, taken, path, split, video, builder)
    return builder.build(source, options.image_dir)


def read_detections(path: Path, builder: Builder) -> list[Detection]:
    """The rows of one table; those that cannot be read go to ``builder`` with their line.

    Raises:
        FishDataError: the file cannot be read, or more than half of its rows.
    """
    found: list[Detection] = []
    bad, first = 0, ""
    for line, row in _rows(path):
        try:
            found.append(_parse(line, row))
        except (ValueError, IndexError):
            bad += 1
            first = first or f"line {line}: {shorten(row)}"
            builder.lose("row that is no VIAME detection", f"{path.name}, line {line}", row)
    if bad > len(found):
        raise FishDataError(
            f"{path}: {bad} of {bad + len(found)} rows cannot be read; the first is {first}. "
            f"Expected {_EXPECTED}"
        )
    _say(found, path, builder)
    return found


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".csv" else []
    return sorted({*source.glob("*.csv"), *source.glob("*/*.csv")})


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    return ((line, row) for line, row in stream(path, ",") if not row[0].lstrip().startswith("#"))


def _parse(line: int, row: list[str]) -> Detection:
    corners = (float(row[3]), float(row[4]), float(row[5]), float(row[6]))
    pairs = [
        (row[i].strip(), float(row[i + 1]))
        for i in range(9, len(row) - 1, 2)
        if row[i].strip() and row[i + 1].strip() and not row[i].startswith("(")
    ]
    confidence = float(row[7]) if row[7].strip() else 1.0
    float(row[8] or 0)  # the length is not kept, but a row without one is none of VIAME's
    label, confidence = max(pairs, key=lambda pair: pair[1], default=(UNKNOWN, confidence))
    return Detection(line, row[1].strip(), int(row[2]), corners, label, confidence, len(pairs))


def _say(found: list[Detection], path: Path, builder: Builder) -> None:
    unsure = sum(detection.confidence < 1 for detection in found)
    if unsure:
        builder.note(
            f"{path.name}: {unsure} of {len(found)} boxes have a confidence under 1; they may be a "
            "model's output that nobody has checked"
        )
    several = sum(detection.pairs > 1 for detection in found)
    if several:
        builder.count("box has several classes; the one of highest confidence is taken", several)
    nameless = sum(detection.pairs == 0 for detection in found)
    if nameless:
        builder.count(f"box has no class; it is called {UNKNOWN!r}", nameless)


def _video_of(path: Path, folders: list[Path]) -> Path | None:
    """The video of a table: of the same name, else the only one beside it or in ``folders``."""
    beside = list_videos(path.parent)
    same = [video for video in beside if video.stem == path.stem.split(".")[0]]
    if len(same) == 1:
        return same[0]
    for videos in (beside, *(list_videos(folder) for folder in folders)):
        if len(videos) == 1:
            return videos[0]
    return None


def _ask(detection: Detection, video: Path | None, shots: Shots) -> Shot | None:
    if video is None or is_picture(detection.name):
        return None
    return shots.ask(video.stem, detection.frame, f"{video.stem}_{detection.frame:06d}.jpg")


def _add(
    detection: Detection,
    shot: Shot | None,
    taken: dict[Shot, tuple[Path, tuple[int, int]]],
    path: Path,
    split: str,
    video: Path | None,
    builder: Builder,
) -> None:
    left, top, right, bottom = detection.corners
    builder.reading(path.name)
    if shot is None and not is_picture(detection.name):
        reason = "no video (or several) for a box given by frame number"
        where = f"{path.name}, line {detection.line}"
        builder.lose(reason, where, f"frame {detection.frame}", name=detection.label)
        return
    if shot is not None and video is not None:
        missing = (f"{video.name} frame {detection.frame}", (0, 0))
        picture, size = taken.get(shot, missing)
        row = builder.image(split, picture, *size, video=video.stem, frame=str(detection.frame))
    else:
        # Pictures of one table are a sequence, unless it says otherwise.
        clip = path.stem.split(".")[0]
        row = builder.image(split, detection.name, video=clip, frame=str(detection.frame))
    builder.box(row, left, top, right - left, bottom - top, detection.label, at=detection.line)


FORMATS: tuple[Format, ...] = (Format("viame", "VIAME CSV (VIAME, DIVE)", recognise, read, rank=1),)
