"""FishNet (KAUST, ICCV 2023): one text file a picture, lines ``<family> x1 y1 x2 y2``.

``Images/<Family>/<id>.txt`` beside the pictures, whole pixels from the top left corner, such as
``Acanthuridae 12 113 74 210``. Looked up on 2026-11-25 in
https://github.com/faixan-khan/FishNet (Images/ and README.md; the data set's page is
https://fishnet-2023.github.io/). ``train*.csv`` and ``test*.csv`` of its ``anns/`` folder, which
name pictures in a column ``image``, give the splits where they are there.

The class is the family. Every FishNet picture shows a fish, so one without a text file is not
labelled and is left out; an empty text file is a picture without fish.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.columns import plain
from fish_dataset.formats.pictures import list_pictures
from fish_dataset.formats.source import Builder, Converted, Format, Options, split_of
from fish_dataset.formats.table_boxes import stems_of
from fish_dataset.formats.tables import look, splits_of, stream
from fish_dataset.formats.text import first_text, read_text

_LOOKED_AT = 200  # text files that recognise() opens at most


def recognise(source: Path) -> str | None:
    """A text file of which the first line is a name and four numbers."""
    for count, path in enumerate(_texts(source)):
        if count == _LOOKED_AT:
            return None
        line = next((line for line in first_text(path, 512).splitlines() if line.strip()), "")
        if _parse(line) is not None:
            return f"{path.name} begins with a name and four pixels"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads every text file below a folder that a picture goes with.

    Raises:
        FishDataError: no text file of this form, lines that mostly cannot be read, or what
            ``Builder.build`` raises.
    """
    folders = [source] if options.image_dir is None else [options.image_dir, source]
    if not source.is_dir():
        raise FishDataError(f"{source}: pass the folder that holds the text files and pictures")
    stems = stems_of(folders)
    splits = _named_splits(source)
    builder = Builder(options.class_names, units_known=True)
    read_lines, bad, texts = 0, "", set()
    for path in _texts(source):
        picture = _picture(path, stems)
        if picture is None and recognise(path) is None:
            continue  # a read-me or a list of names, not labels
        texts.add(path.stem)
        split = _split(path.relative_to(source), splits)
        first, lines = _read_file(path, source, split, picture, builder)
        read_lines, bad = read_lines + lines, bad or first
    lost = builder.losses.get(_REASON)
    if not texts or (lost is not None and lost.count * 2 > read_lines):
        first = f"; the first is {bad}" if bad else ""
        raise FishDataError(
            f"{source}: not FishNet: {lost.count if lost else 0} of {read_lines} lines are not "
            f"'<family> x1 y1 x2 y2'{first}"
        )
    left = sum(path.stem not in texts for path in list_pictures(folders[0]))
    if left:
        builder.count("picture has no text file and is left out", left)
    return builder.build(source, options.image_dir)


_REASON = "line that is not '<family> x1 y1 x2 y2'"


def _texts(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield from [source] if source.suffix.lower() == ".txt" else []
        return
    for here, folders, names in os.walk(source):
        folders.sort()
        yield from (Path(here, name) for name in sorted(names) if name.lower().endswith(".txt"))


def _parse(line: str) -> tuple[str, float, float, float, float] | None:
    """Family and corners, or None."""
    words = line.split()
    name = " ".join(words[:-4])
    if len(words) < 5 or not any(char.isalpha() for char in name) or ":" in name:
        return None
    try:
        left, top, right, bottom = (float(word) for word in words[-4:])
    except ValueError:
        return None
    return name, left, top, right, bottom


def _read_file(
    path: Path, source: Path, split: str, picture: Path | None, builder: Builder
) -> tuple[str, int]:
    """The first line that could not be read, and the number of lines."""
    where = path.relative_to(source).as_posix()
    row = builder.image(split, picture or f"{path.stem}.jpg", source_id=path.stem)
    builder.reading(where)
    first, count = "", 0
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        count += 1
        found = _parse(line)
        if found is None:
            first = first or f"{where}, line {number}: {line[:80]!r}"
            builder.lose(_REASON, f"{where}, line {number}", line)
            builder.spoil(row)
            continue
        name, left, top, right, bottom = found
        builder.box(row, left, top, right - left, bottom - top, name, at=number)
    if not count:
        builder.count("text file is empty: a picture without fish")
    return first, count


def _picture(path: Path, stems: dict[str, Path | None]) -> Path | None:
    """The picture beside a text file, else the only one of its name."""
    for ending in (".jpg", ".jpeg", ".png", ".JPG"):
        if (beside := path.with_suffix(ending)).is_file():
            return beside
    return stems.get(path.stem)


def _split(path: Path, splits: dict[str, str]) -> str:
    folder = next((found for part in path.parts[:-1] if (found := split_of(part))), "")
    return folder or splits.get(path.stem, "")


def _named_splits(source: Path) -> dict[str, str]:
    """Split by picture from tables with a column 'image', where their names tell a split."""
    found: dict[str, str] = {}
    tables = sorted({*source.glob("*.csv"), *source.glob("*/*.csv")})
    for path in tables:
        sheet = look(path)
        header = [plain(name) for name in sheet.rows[0]] if sheet else []
        split = splits_of([path])[0]
        if sheet is None or not split or "image" not in header:
            continue
        column = header.index("image")
        for _, row in stream(path, sheet.delimiter):
            if column < len(row):
                found.setdefault(os.path.splitext(row[column].strip())[0], split)
    return found


FORMATS: tuple[Format, ...] = (
    Format("fishnet", "FishNet text (<family> x1 y1 x2 y2)", recognise, read, rank=1),
)
