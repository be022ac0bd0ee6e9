"""The Brackish Dataset (Aalborg University): tables of the AAU annotator over frames of videos.

``annotations/annotations_AAU/{train,valid,test}.csv`` hold
``Filename;Object ID;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;
Lower right corner Y``; the file name is ``<video>-<frame>.png`` with frames counted from 1 by
ffmpeg's ``%04d``. The videos (``dataset/videos/<kind>/<video>.avi``) are 1920×1080, while the
authors' ``scripts/frameExtractor.py`` scales frames to 960×540, and boxes are given on that size;
the authors' own COCO files take a box's width as right − left. ``train.txt valid.txt test.txt``
list every frame, those without animals too. Seen on 2026-11-25 in the copy of version 4 under
https://github.com/michal-rynowiecki/AML-fish-project/tree/main/data/brackish-dataset/versions/4 and
in https://www.kaggle.com/datasets/aalborguniversity/brackish-dataset; paper: Pedersen et al., CVPR
Workshops 2019.

Frames that are on disk as pictures are used. Others are taken from the videos at their full size,
and boxes are scaled to it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.formats.columns import find_columns
from fish_dataset.formats.pictures import Pictures, displayed_size
from fish_dataset.formats.source import Builder, Converted, Format, Options
from fish_dataset.formats.table_boxes import as_sides, hand_over
from fish_dataset.formats.table_rows import TableRows, read_rows
from fish_dataset.formats.tables import Sheet, look, splits_of
from fish_dataset.formats.text import read_text
from fish_dataset.formats.video_frames import Shot, Shots

CLASSES = ("fish", "small_fish", "crab", "shrimp", "jellyfish", "starfish")
"""In the order of the authors' ``Brackish.names`` and COCO files."""

BOX_SIZE = (960, 540)
"""Frame size that boxes are given on, pixels."""

_MARK = "Upper left corner X"
_FRAME = re.compile(r"^(?P<video>.+)-(?P<frame>\d{4,})\.(?:png|jpe?g)$", re.IGNORECASE)
_DEPTHS = ("", "*/", "*/*/", "annotations/annotations_AAU/")


def recognise(source: Path) -> str | None:
    """A table of the AAU annotator whose first file name is a frame of a video."""
    for path in _tables(source):
        return f"{path.name} is a table of the AAU annotator over frames of videos"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads all tables and frame lists of the data set.

    Raises:
        FishDataError: no such table, rows that mostly cannot be read, videos in a dry run, or what
            ``Builder.build`` raises.
    """
    paths = list(_tables(source))
    if not paths:
        raise FishDataError(
            f"{source}: no table of the Brackish Dataset; pass the folder that holds "
            "annotations/annotations_AAU/, or one of its CSV files"
        )
    builder = Builder(CLASSES, units_known=True)
    base = source if source.is_dir() else source.parent
    folders = [base] if options.image_dir is None else [options.image_dir, base]
    shots = Shots(folders, options.frames)
    pictures = Pictures(folders)
    tables = []
    for path, split in zip(paths, splits_of(paths), strict=True):
        sheet = look(path)
        columns = find_columns(sheet.rows) if sheet else None
        if sheet is None or columns is None:
            raise FishDataError(f"{path}: no table of boxes any more; was it changed meanwhile?")
        table = read_rows(sheet, columns, split, builder)
        _add_listed(table, base, split)
        tables.append((path, table))
    places = {
        name: _place(name, pictures, shots) for _, table in tables for _, name in table.images
    }
    taken = shots.take(builder)
    box_size = options.box_size or BOX_SIZE
    for path, table in tables:
        _add(path, table, places, taken, box_size, builder)
    builder.note("boxes are for frames of {}×{}; scaled to the picture".format(*box_size))
    return builder.build(source, options.image_dir)


def _tables(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if _is_table(look(source)) else []
    found = {path for depth in _DEPTHS for path in source.glob(f"{depth}*.csv")}
    return [path for path in sorted(found) if _is_table(look(path))]


def _is_table(sheet: Sheet | None) -> bool:
    if sheet is None or _MARK not in sheet.rows[0] or len(sheet.rows) < 2:
        return False
    return any(_FRAME.match(row[0].strip()) for row in sheet.rows[1:])


def _add_listed(table: TableRows, base: Path, split: str) -> None:
    """Adds the frames of ``train.txt`` and its like that have no box."""
    names = {"val": ("valid", "val")}.get(split, (split,))
    known = set(table.images)
    for name in names if split else ():
        for path in [base / f"{name}.txt", *sorted(base.glob(f"*/YOLO_splits/{name}.txt"))]:
            if not path.is_file():
                continue
            for line in read_text(path).splitlines():
                frame = line.strip().replace("\\", "/").rpartition("/")[2]
                if _FRAME.match(frame) and (split, frame) not in known:
                    known.add((split, frame))
                    table.images.append((split, frame))


def _place(name: str, pictures: Pictures, shots: Shots) -> Path | Shot | None:
    """Where a frame is: a picture, a frame of a video, or nowhere."""
    found = pictures.find(name)
    match = _FRAME.match(name)
    if found is not None or match is None:
        return found
    return shots.ask(match["video"], int(match["frame"]) - 1, f"{name.rpartition('.')[0]}.jpg")


def _add(
    path: Path,
    table: TableRows,
    places: dict[str, Path | Shot | None],
    taken: dict[Shot, tuple[Path, tuple[int, int]]],
    box_size: tuple[int, int],
    builder: Builder,
) -> None:
    rows = []
    scale = np.ones((len(table.images), 2))
    for i, (split, name) in enumerate(table.images):
        place = places[name]
        if isinstance(place, Shot):
            picture, size = taken.get(place, (None, (0, 0)))
        else:
            picture, size = place, _size(place)
        match = _FRAME.match(name)
        video, frame = (match["video"], str(int(match["frame"]))) if match else ("", "")
        rows.append(
            builder.image(
                split,
                picture or name,
                *size,
                measured=True,
                video=video,
                frame=frame,
                source_id=name,
            )
        )
        if min(size) > 0:
            scale[i] = size[0] / box_size[0], size[1] / box_size[1]
    hand_over(table, as_sides(table.boxes(), "corners"), rows, scale, path, builder)


def _size(picture: Path | None) -> tuple[int, int]:
    shown = displayed_size(picture) if picture is not None else None
    return shown[:2] if shown is not None else (0, 0)


FORMATS: tuple[Format, ...] = (
    Format("brackish", "Brackish Dataset (AAU tables over videos)", recognise, read, rank=2),
)
