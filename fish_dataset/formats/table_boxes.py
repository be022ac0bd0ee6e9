"""From the numbers of a table to boxes in pixels of the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.columns import Columns
from fish_dataset.formats.pictures import Pictures, displayed_size, is_picture, list_pictures
from fish_dataset.formats.source import Options
from fish_dataset.formats.table_rows import TableRows
from fish_dataset.progress import track

_NORMALISED = 1.5  # fractions of a picture stay under it, those that reach over its edge included
_SAME_ASPECT = 0.01
SHAPE = "picture of another shape than its record says"
RESIZED = "picture has another size than its record says; its boxes are scaled"
_AT_ONCE = 1 << 16


def add_boxes(
    table: TableRows,
    path: Path,
    columns: Columns,
    source: Path,
    options: Options,
    builder: Builder,
) -> None:
    """Hands a table's boxes to ``builder`` in pixels of their pictures.

    Fractions of the picture, boxes for a frame of another size (``options.box_size``) and boxes
    for the size that the table gives its picture are scaled to the picture's own size.

    Raises:
        FishDataError: most boxes are turned inside out, which columns in another order do.
    """
    boxes = as_sides(table.boxes(), columns.form)
    _check_order(boxes, path, columns)
    fractions = look_fractional(boxes)
    if fractions:
        builder.note(f"{path.name}: boxes are fractions of the picture; multiplied by its size")
    sized = fractions or options.box_size is not None or bool(table.sizes)
    found = _find(table, source, options, sized)
    sizes = _sizes(found, builder) if sized else {}
    rows = []
    for i, (split, name) in enumerate(table.images):
        site, video, frame = table.meta.get(i, ("", "", ""))
        width, height = sizes.get(i, (0, 0))
        place = found[i] or name
        row = builder.image(
            split, place, width, height, measured=True, site=site, video=video, frame=frame
        )
        rows.append(row)
    scale = _scales(table, sizes, fractions, path, options, builder)
    hand_over(table, boxes, rows, scale, path, builder)


def as_sides(boxes: np.ndarray, form: str) -> np.ndarray:
    """(M, 4) float64 left, top, width, height from a form of ``Columns``."""
    with np.errstate(invalid="ignore", over="ignore"):
        if form == "corners":
            return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        if form == "centre":
            return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    return boxes


def look_fractional(boxes: np.ndarray) -> bool:
    """Whether nearly all boxes (M, 4) xywh are fractions of the picture, some over its edge.

    ``fish_dataset.checks.boxes.look_normalised`` asks it of every box; a table may hold odd ones.
    """
    sound = boxes[np.isfinite(boxes).all(axis=1)]
    small = (np.abs(sound) <= _NORMALISED).all(axis=1)
    return bool(len(sound) and small.mean() > 0.9 and (sound[small] % 1 != 0).any())


def _check_order(boxes: np.ndarray, path: Path, columns: Columns) -> None:
    """Corners given as x1, x2, y1, y2 without names show as boxes of negative size."""
    with np.errstate(invalid="ignore"):
        odd = (boxes[:, 2:] < 0).any(axis=1)
    if columns.form != "corners" or not len(boxes) or odd.mean() <= 0.5:
        return
    names = ", ".join(columns.name(index) for index in columns.box)
    raise FishDataError(
        f"{path}: {int(odd.sum())} of {len(boxes)} boxes have xmax < xmin or ymax < ymin with "
        f"xmin, ymin, xmax, ymax from columns {names}; say which is which, such as "
        "--columns xmin=2,xmax=3,ymin=4,ymax=5"
    )


def scale_between(
    said: tuple[float, float], real: tuple[float, float]
) -> tuple[float, float] | None:
    """What x and y are multiplied by where boxes are given on a picture of size ``said`` and it is
    ``real``; None where the two have another shape, so that the picture was cut or turned."""
    across, down = real[0] / said[0], real[1] / said[1]
    return (across, down) if abs(across / down - 1) <= _SAME_ASPECT else None


def _find(table: TableRows, source: Path, options: Options, sized: bool) -> list[Path | None]:
    """Where each picture is, as far as it has to be known here: a name without an ending (an id)
    is that of the one picture of this stem; names with one are left to ``build``."""
    ids = [not is_picture(name.lower()) for _, name in table.images]
    if not sized and not any(ids):
        return [None] * len(table.images)
    base = source if source.is_dir() else source.parent
    folders = [base] if options.image_dir is None else [options.image_dir, base]
    stems = stems_of(folders) if any(ids) else {}
    pictures = Pictures(folders)
    return [
        stems.get(_stem(name)) if bare else pictures.find(name)
        for (_, name), bare in zip(table.images, ids, strict=True)
    ]


def stems_of(folders: list[Path]) -> dict[str, Path | None]:
    """Pictures below ``folders`` by name without ending; None for a stem that several share."""
    found: dict[str, Path | None] = {}
    for path in dict.fromkeys(p for folder in folders for p in list_pictures(folder)):
        found[path.stem] = None if path.stem in found else path
    return found


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _sizes(found: list[Path | None], builder: Builder) -> dict[int, tuple[int, int]]:
    """The size of each picture that can be read, by image."""
    sizes = {}
    known = [(i, path) for i, path in enumerate(found) if path is not None]
    for i, path in track(known, len(known), "picture sizes"):
        size = displayed_size(path)
        if size is not None:
            sizes[i] = size[:2]
            if size[2]:
                builder.count("picture is turned by its Exif tag; its size is taken as displayed")
    return sizes


def _scales(
    table: TableRows,
    sizes: dict[int, tuple[int, int]],
    fractions: bool,
    path: Path,
    options: Options,
    builder: Builder,
) -> np.ndarray:
    """(N, 2) what x and y of each image's boxes are multiplied by, NaN where that is not known."""
    scale = np.ones((len(table.images), 2))
    for i, (width, height) in sizes.items():
        if fractions:
            scale[i] = width, height
        elif options.box_size is not None:
            scale[i] = width / options.box_size[0], height / options.box_size[1]
        elif i in table.sizes and table.sizes[i] != (width, height):
            factors = scale_between(table.sizes[i], (width, height))
            scale[i] = factors or np.nan
            if factors:
                builder.count(RESIZED)
    if options.box_size is not None and not fractions:
        width, height = options.box_size
        builder.note(
            f"{path.name}: boxes are for frames of {width}×{height}; scaled to the picture"
        )
    return scale


def hand_over(
    table: TableRows,
    boxes: np.ndarray,
    rows: list[int],
    scale: np.ndarray,
    path: Path,
    builder: Builder,
) -> None:
    """Scales a table's boxes and counts each in.

    Args:
        table: Its images, classes and lines.
        boxes: (M, 4) xywh as the table has them.
        rows: The builder's row of each of its N images.
        scale: (N, 2) factors of x and y by image; NaN loses the boxes of that image.
        path: The table's file, for messages.
        builder: Takes boxes and losses.
    """
    image = np.frombuffer(table.image, dtype=np.int64)
    builder.reading(path.name)
    for start in range(0, len(boxes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        factors = scale[image[part]]
        unknown = np.isnan(factors).any(axis=1).tolist()
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (boxes[part] * np.tile(factors, 2)).tolist()
        columns = (image[part].tolist(), scaled, table.code[part], table.line[part])
        for i, box, code, line, flag, lost in zip(
            *columns, table.flags[part], unknown, strict=True
        ):
            name = table.classes[code]
            if lost:
                said = "{}×{} in the table".format(*table.sizes[i])
                builder.lose(SHAPE, f"{path.name}, line {line}", said, name=name)
                builder.spoil(rows[i])
            else:
                x, y, w, h = box
                builder.box(rows[i], x, y, w, h, name, bool(flag & 1), bool(flag & 2), at=line)
