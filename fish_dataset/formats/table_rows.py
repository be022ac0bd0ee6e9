"""The rows of one table of boxes as columns of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.findings import shorten
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.columns import EXPECTED, Columns
from fish_dataset.formats.source import split_of
from fish_dataset.formats.tables import Sheet, stream

_META = ("site", "video", "frame")
_BAD_SHARE = 0.5
_FLAGS = (("crowd", 1), ("ignore", 2))
_YES = ("1", "1.0", "true", "yes")


@dataclass
class TableRows:
    """N images and M boxes of one table; a million boxes take 56 MB.

    Attributes:
        images: N keys (split, name), in the order of the table.
        sizes: (width, height) that the table gives a picture, by image.
        meta: site, video and frame by image, where the table has them.
        classes: Names, each once.
        image, code, line: (M,) image, class and line of each box.
        flags: (M,) 1 for a crowd, 2 for a box to be ignored, 3 for both.
        numbers: (4 M,) the four columns of each box, one after another.
        rows: Rows of the table, its header left out.
        bad: Rows that could not be read.
    """

    images: list[tuple[str, str]] = field(default_factory=list)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    meta: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    image: array = field(default_factory=lambda: array("q"))
    code: array = field(default_factory=lambda: array("q"))
    line: array = field(default_factory=lambda: array("q"))
    flags: bytearray = field(default_factory=bytearray)
    numbers: array = field(default_factory=lambda: array("d"))
    rows: int = 0
    bad: int = 0

    def boxes(self) -> np.ndarray:
        """(M, 4) float64, as the table has them."""
        return np.frombuffer(self.numbers, dtype=np.float64).reshape(-1, 4)


def read_rows(
    sheet: Sheet, columns: Columns, split: str, builder: Builder, only: str = ""
) -> TableRows:
    """Reads a table row by row; what cannot be read goes to ``builder`` with its line.

    Args:
        sheet: The table.
        columns: Where its columns are.
        split: The split of rows that do not say their own.
        builder: Takes losses and counts.
        only: The class of every box, where the table has no column of classes.

    Raises:
        FishDataError: more than half of the rows cannot be read.
    """
    table = TableRows()
    index: dict[tuple[str, str], int] = {}
    codes: dict[str, int] = {}
    first_bad = ""
    picture, label = columns.at["image"], columns.at.get("class", -1)
    a, b, c, d = columns.box
    part = columns.at.get("split", -1)
    flagged = [(columns.at[role], bit) for role, bit in _FLAGS if role in columns.at]
    for line, row in _data(sheet, columns):
        table.rows += 1
        try:
            values = (float(row[a]), float(row[b]), float(row[c]), float(row[d]))
            name = row[label].strip() if label >= 0 else only
            key = (split if part < 0 else split_of(row[part]) or split, row[picture].strip())
            if not name or not key[1]:
                raise ValueError
        except (ValueError, IndexError):
            kind, found = _second_look(row, columns, sheet.delimiter, only)
            if kind:
                table.bad += 1
                first_bad = first_bad or f"line {line}: {kind}: {shorten(row)}"
                builder.lose(kind, f"{sheet.path.name}, line {line}", row)
                continue
            key = (split if part < 0 else split_of(_cell(row, part)) or split, row[picture].strip())
            _image(table, index, key, row, columns)
            if found is None:
                builder.count("picture listed without boxes")
                continue
            values, name = found, row[label].strip() if label >= 0 else only
        image = index.get(key)
        if image is None:
            image = _image(table, index, key, row, columns)
        code = codes.get(name)
        if code is None:
            code = codes[name] = len(codes)
        table.numbers.extend(values)
        table.image.append(image)
        table.code.append(code)
        table.line.append(line)
        table.flags.append(sum(bit for at, bit in flagged if _cell(row, at).lower() in _YES))
    table.classes = list(codes)
    if table.bad > _BAD_SHARE * table.rows:
        raise FishDataError(
            f"{sheet.path}: {table.bad} of {table.rows} rows cannot be read; the first is "
            f"{first_bad}. Expected {EXPECTED}; or say which column is what with --columns"
        )
    return table


def _data(sheet: Sheet, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    rows = stream(sheet.path, sheet.delimiter)
    if columns.header:
        next(rows, None)
    return rows


def _second_look(
    row: Sequence[str], columns: Columns, delimiter: str, only: str
) -> tuple[str, tuple[float, float, float, float] | None]:
    """Why a row cannot be read, or '' and its numbers, None for a picture without boxes."""
    if not _cell(row, columns.at["image"]):
        return "row without a picture's name", None
    cells = [_cell(row, index) for index in columns.box]
    name = _cell(row, columns.at["class"]) if "class" in columns.at else only
    if not any(cells) and (not name or "class" not in columns.at):
        return "", None  # RetinaNet's way of listing a picture without fish
    if max(columns.box) >= len(row):
        return "row with too few columns", None
    try:
        # A decimal comma can stand where commas do not part the columns.
        texts = [cell.replace(",", ".") if delimiter != "," else cell for cell in cells]
        values = (float(texts[0]), float(texts[1]), float(texts[2]), float(texts[3]))
    except ValueError:
        return "coordinate that is no number", None
    return ("", values) if name else ("box without a class", None)


def _cell(row: Sequence[str], index: int) -> str:
    return row[index].strip() if 0 <= index < len(row) else ""


def _image(
    table: TableRows,
    index: dict[tuple[str, str], int],
    key: tuple[str, str],
    row: Sequence[str],
    columns: Columns,
) -> int:
    image = index.get(key)
    if image is not None:
        return image
    image = index[key] = len(table.images)
    table.images.append(key)
    size = _size(row, columns)
    if size is not None:
        table.sizes[image] = size
    site, video, frame = (_cell(row, columns.at.get(role, -1)) for role in _META)
    if site or video or frame:
        table.meta[image] = (site, video, frame)
    return image


def _size(row: Sequence[str], columns: Columns) -> tuple[int, int] | None:
    if "image_width" not in columns.at or "image_height" not in columns.at:
        return None
    try:
        width = int(float(_cell(row, columns.at["image_width"])))
        height = int(float(_cell(row, columns.at["image_height"])))
    except (ValueError, OverflowError):
        return None
    return (width, height) if 0 < width < 2**31 and 0 < height < 2**31 else None
