"""Tables as spreadsheets and scripts write them: delimiter found out, rows streamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.source import split_of
from fish_dataset.formats.text import first_text, open_text

SUFFIXES = frozenset({".csv", ".tsv", ".txt"})

_DELIMITERS = (",", ";", "\t", "|")
_LOOK = 1 << 16  # bytes that are looked at to find the delimiter and the header
_LINES = 30
_NONE: list[tuple[str, ...]] = []


@dataclass(frozen=True)
class Sheet:
    """What the start of a table shows.

    Attributes:
        path: The file.
        delimiter: One character.
        rows: Its first rows that are not blank, at most 30; Excel's ``sep=;`` line is left out.
    """

    path: Path
    delimiter: str
    rows: tuple[tuple[str, ...], ...]


def look(path: Path) -> Sheet | None:
    """The start of a table, or None where the file is no text or has one column only.

    Raises nothing and reads 64 KB at most.
    """
    text = first_text(path, _LOOK)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(text) >= _LOOK // 4 and len(lines) > 1:
        lines.pop()  # the last one may have been cut
    lines = lines[: _LINES + 1]
    named = _named_delimiter(lines[0]) if lines else ""
    body = lines[1:] if named else lines[:_LINES]
    candidates = [named] if named else _DELIMITERS
    split = [(rows, delimiter) for delimiter in candidates if (rows := _cells(body, delimiter))]
    rows, delimiter = max(split, key=lambda item: _agreement(item[0]), default=(_NONE, ""))
    return Sheet(path, delimiter, tuple(rows)) if rows and len(rows[0]) > 1 else None


def stream(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every row of a table that is not blank, with the number of the line that it ends on.

    Raises:
        FishDataError: the file cannot be read (see ``open_text``), or a line is no table row, such
            as one with a quote that is never closed.
    """
    with open_text(path, newline="") as lines:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                if reader.line_num == 1 and _named_delimiter(delimiter.join(row)):
                    continue
                yield reader.line_num, row
        except csv.Error as error:
            raise FishDataError(
                f"{path}: line {reader.line_num}: {error}; look for a quote that is not closed "
                "or a file that is no table"
            ) from error


def splits_of(paths: Sequence[Path]) -> list[str]:
    """The split of each table by a word of its name (``train_labels.csv``) or its folder's name.

    Raises:
        FishDataError: of several tables only some name one: the same boxes may stand in two.
    """
    splits = [_split(path) for path in paths]
    if "" in splits and any(splits):
        listed = ", ".join(path.name for path in paths)
        raise FishDataError(
            f"tables {listed}: some name a split and some do not, so boxes might be read twice; "
            "pass one of them as SRC, or move away what is not wanted"
        )
    return splits


def _split(path: Path) -> str:
    words = [split_of(word) for word in re.split(r"[^A-Za-z]+", path.stem)]
    return next((word for word in words if word), "") or split_of(path.parent.name)


def _named_delimiter(line: str) -> str:
    """The delimiter that Excel's first line ``sep=;`` names, or ''."""
    line = line.strip("\r\n\ufeff")
    return line[4] if len(line) == 5 and line.lower().startswith("sep=") else ""


def _cells(lines: list[str], delimiter: str) -> list[tuple[str, ...]]:
    try:
        return [tuple(row) for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error:
        return []


def _agreement(rows: list[tuple[str, ...]]) -> tuple[int, float]:
    """Columns of the first row, and the share of rows that have as many."""
    width = len(rows[0])
    return width, sum(len(row) == width for row in rows) / len(rows)
