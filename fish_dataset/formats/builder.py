"""Collects a source's images and boxes into columns, and accounts for each one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fish_dataset.formats.losses import Losses

if TYPE_CHECKING:
    from fish_dataset.formats.source import Converted

SAME_PICTURE = "image entry names a picture that another entry names; merged"
"""What the report counts such entries as."""

_CROWD, _IGNORE = 1, 2


class Builder:
    """Images and boxes of one source, row by row. A million boxes take about 60 MB.

    Args:
        classes: Names in the order that the source gives them, those without boxes included; names
            that turn up later follow in alphabetical order.
        place: What the numbers that ``box`` is given as ``at`` count, for messages.
        units_known: That boxes are in pixels of their pictures is beyond doubt, so that boxes which
            look like fractions or corners are no mistake.
    """

    def __init__(
        self, classes: Iterable[str] = (), place: str = "line", units_known: bool = False
    ) -> None:
        self.place = place
        self.root: Path | None = None
        self.units_known = units_known
        self.losses = Losses()
        self.notes: dict[str, int | None] = {}
        self.names: dict[str, int] = {}
        self.declared = 0
        self.names_in: dict[str, int] = {}
        self.boxes_in = 0
        self._files: dict[str, int] = {"": 0}
        self._file_names = [""]
        self._file = 0
        # images
        self.images: list[tuple[str, str | Path]] = []
        self.meta: dict[str, dict[int, str]] = {}
        self.widths, self.heights = array("q"), array("q")
        self.measured: set[int] = set()
        self.spoiled: set[int] = set()
        self._rows: dict[tuple[str, str | Path], int] = {}
        # boxes
        self.rows, self.codes, self.at = array("q"), array("q"), array("q")
        self.file_of = array("i")
        self.xywh, self.areas = array("d"), array("d")
        self.flags = bytearray()
        self.declare(classes)

    def declare(self, classes: Iterable[str]) -> None:
        """Adds names to those that the source gives an order; before the first box.

        Raises:
            ValueError: a box has been counted in already.
        """
        if self.rows:
            raise ValueError("classes are declared before boxes")
        for name in map(str.strip, classes):
            if is_class_name(name):
                self.names.setdefault(name, len(self.names))
        self.declared = len(self.names)

    def reading(self, file: str) -> None:
        """Names the file that the boxes and losses to come stand in, for messages."""
        self._file = self._files.setdefault(file, len(self._files))
        if self._file == len(self._file_names):
            self._file_names.append(file)

    def spoil(self, row: int) -> None:
        """Says that labels of an image could not be read: with no other box left it is left out,
        since it is no picture without fish."""
        self.spoiled.add(row)

    def image(
        self,
        split: str,
        file_name: str | Path,
        width: int | None = None,
        height: int | None = None,
        *,
        measured: bool = False,
        **meta: str,
    ) -> int:
        """The row of an image; the same split and name again give the same row.

        Args:
            split: 'train', 'val', 'test', or '' where the source does not say.
            file_name: As text: the name that the source gives it, which is looked up inside the
                source only. As Path: where it is, taken as it stands.
            width: Pixels; None or below 1 where the picture itself should tell.
            height: The same.
            measured: That the size is the picture's own, so that nobody need look again.
            **meta: 'site', 'video', 'frame', 'source_id', as far as known.
        """
        key = (split or "train", file_name)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self.images)
            self.images.append((split, file_name))
            self.widths.append(_length(width))
            self.heights.append(_length(height))
            if measured:
                self.measured.add(row)
            for column, text in meta.items():
                if text:
                    self.meta.setdefault(column, {})[row] = text
        return row

    def box(
        self,
        row: int,
        x: float,
        y: float,
        w: float,
        h: float,
        name: str,
        crowd: bool = False,
        ignore: bool = False,
        *,
        area: float = 0.0,
        at: int = 0,
    ) -> None:
        """Counts one box in, in pixels of its picture from the top left corner.

        Args:
            row: What ``image`` returned.
            x, y, w, h: Left, top, width, height. Any float; faults become losses in ``build``.
            name: Class, surrounding blanks ignored; a blank one is a loss.
            crowd: COCO's iscrowd.
            ignore: Neither to be found nor to be counted as a false alarm.
            area: Square pixels, 0 for width × height.
            at: Number of the line (or what ``place`` says) in the source, from 1.
        """
        name = name.strip()
        if not is_class_name(name):
            self._refuse("class without a usable name", row, at, name, "")
            return
        try:
            numbers = array("d", (x, y, w, h))
        except (TypeError, OverflowError):
            self._refuse("box is not four numbers", row, at, (x, y, w, h), name)
            return
        self.xywh.extend(numbers)
        self.boxes_in += 1
        self.names_in[name] = self.names_in.get(name, 0) + 1
        self.rows.append(row)
        self.codes.append(self.names.setdefault(name, len(self.names)))
        self.at.append(at)
        self.file_of.append(self._file)
        self.areas.append(area)
        self.flags.append(_CROWD * crowd + _IGNORE * ignore)

    def _refuse(self, reason: str, row: int, at: int, value: object, name: str) -> None:
        self.spoil(row)
        where = self._place(self._file, row, at)
        self.lose(reason, where, value, name=name, picture=self.picture(row))

    def lose(
        self,
        reason: str,
        where: str,
        value: object,
        boxes: int = 1,
        name: str = "",
        picture: str = "",
    ) -> None:
        """Counts ``boxes`` in that cannot be kept, 0 where an image or a line without one is lost.

        Args:
            reason: A few words, the same for all of a kind; they become a row of the report.
            where: File and place.
            value: What stands there.
            boxes: How many boxes it costs.
            name: Their class, where it is known.
            picture: Their picture, where it is known.
        """
        self.boxes_in += boxes
        if boxes:
            self.names_in[name] = self.names_in.get(name, 0) + boxes
        self.losses.add(reason, where, value, boxes, name=name, picture=picture)

    def note(self, text: str) -> None:
        """Keeps a sentence for the report, once."""
        self.notes.setdefault(text, None)

    def note_encoding(self, name: str, encoding: str) -> None:
        """Says of a file in another encoding than plain UTF-8 how it was read."""
        if encoding != "utf-8":
            said = "UTF-8 with a byte order mark" if encoding == "utf-8-sig" else encoding.upper()
            self.note(f"{name} is encoded as {said} and was read so")

    def count(self, text: str, number: int = 1) -> None:
        """Adds ``number`` to what the report counts as '12 × text'."""
        self.notes[text] = (self.notes.get(text) or 0) + number

    def build(self, root: Path, image_dir: Path | None = None) -> Converted:
        """Looks the pictures up, checks every box and assembles the splits.

        Args:
            root: The source: pictures are looked for in it and below.
            image_dir: Where the user says the pictures are; looked in first.

        Raises:
            FishDataError: no image, or none of the pictures is found.
        """
        from fish_dataset.formats.assembly import assemble

        return assemble(self, root, image_dir)

    def box_columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """rows (M,), codes (M,), xywh (M, 4), areas (M,), flags (M,) as arrays."""
        return (
            np.array(self.rows, dtype=np.int64),
            np.array(self.codes, dtype=np.int64),
            np.array(self.xywh, dtype=np.float64).reshape(-1, 4),
            np.array(self.areas, dtype=np.float64),
            np.frombuffer(bytes(self.flags), dtype=np.uint8),
        )

    def where(self, box: int) -> str:
        """The file of a box that ``box`` took and its place in it, in words."""
        return self._place(self.file_of[box], self.rows[box], self.at[box])

    def picture(self, row: int) -> str:
        """The name of an image for people: from the source on, where it lies in there."""
        name = self.images[row][1]
        if isinstance(name, Path) and self.root is not None and name.is_relative_to(self.root):
            return name.relative_to(self.root).as_posix()
        return str(name)

    def _place(self, file: int, row: int, at: int) -> str:
        name = self._file_names[file] or self.picture(row)
        return f"{name}, {self.place} {at}" if at else name


def is_class_name(name: str) -> bool:
    """Whether a text can be a class: not blank, no lone surrogate (UTF-8 holds none)."""
    if not name:
        return False
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)


def _length(value: int | None) -> int:
    return value if value is not None and 1 <= value < 2**31 else 0
