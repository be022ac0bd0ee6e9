"""What a conversion does not keep: counted by reason, and each one with its file and place."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from fish_dataset.findings import shorten

SHOWN = 20
"""Examples that are kept of each reason."""

COLUMNS = ("reason", "file", "place", "picture", "class", "boxes", "value")
"""Columns of the table of losses."""

_IN_MEMORY = 1 << 18  # characters of the table before it moves to the disk
_PLACE = re.compile(r"(.*), ((?:annotation|box|category|frame|image|line|object|row|shape) \d+)")


@dataclass
class Loss:
    """What was not kept for one reason.

    Attributes:
        count: Boxes that were lost.
        places: How many times it happened; a picture that is missing takes several boxes along.
        examples: The first 20, as 'where: value'.
    """

    count: int = 0
    places: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, where: str, value: object, boxes: int) -> None:
        """Counts ``boxes`` lost at ``where``."""
        self.count += boxes
        self.places += 1
        if len(self.examples) < SHOWN:
            self.examples.append(f"{where}: {shorten(value)}")


class Losses(dict[str, Loss]):
    """Losses by reason. The place of each goes to a table that moves to a temporary file once it
    is large, so that a million losses take no memory."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = tempfile.SpooledTemporaryFile(  # noqa: SIM115  (closed with the object)
            max_size=_IN_MEMORY, mode="w+", newline="", encoding="utf-8", errors="replace"
        )
        self._writer = csv.writer(self._rows)
        weakref.finalize(self, self._rows.close)

    def add(
        self,
        reason: str,
        where: str,
        value: object,
        boxes: int = 1,
        *,
        name: str = "",
        picture: str = "",
    ) -> None:
        """Counts ``boxes`` lost at one place.

        Args:
            reason: A few words, the same for all of a kind.
            where: File and place, such as ``train.json, annotation 7``.
            value: What stands there.
            boxes: How many boxes it costs.
            name: Their class, where it is known.
            picture: Their picture, where it is known.
        """
        self.setdefault(reason, Loss()).add(where, value, boxes)
        self.row(reason, where, value, boxes, name=name, picture=picture)

    def row(
        self,
        reason: str,
        where: str,
        value: object,
        boxes: int,
        *,
        name: str = "",
        picture: str = "",
    ) -> None:
        """Adds a row to the table alone, for boxes that ``self[reason]`` counts already."""
        found = _PLACE.fullmatch(where)
        file, place = (found[1], found[2]) if found else (where, "")
        self._writer.writerow((reason, file, place, picture, name, boxes, shorten(value)))

    def table(self, stream: TextIO) -> None:
        """Writes the rows, without a header, to ``stream``."""
        self._rows.seek(0)
        shutil.copyfileobj(self._rows, stream)
        self._rows.seek(0, 2)


def write_losses(path: Path, losses: Iterable[Losses]) -> None:
    """Writes the table of all losses: a line for each box or picture that was not kept.

    Raises:
        OSError: what writing raises.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(COLUMNS)
        for found in losses:
            found.table(stream)
