"""Choose pictures, and show them with their boxes, as they are and as training sees them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part
from fish_dataset.layout import find_splits
from fish_dataset.output import check_output, output_folder
from fish_dataset.page import render
from fish_dataset.progress import track
from fish_dataset.quiet import quiet_decoders
from fish_dataset.reading.folder import Readable, read_folder_anyway, readable

from .choose import labels_of, rows_with, some
from .sheets import Tile, draw_tiles, section, write_sheets
from .tile import Shown

Faults = Mapping[tuple[str, int], str]
"""The rules that a picture breaks, by split and row."""


@dataclass(frozen=True)
class Wanted:
    """What is to be shown.

    Attributes:
        splits: Names; empty takes all that there are.
        classes: Only pictures with one of these, by any name of the species; empty takes all.
        count: Pictures of each split at most.
        seed: Which ones, where there are more; and of the transforms.
        config: A config file whose training transforms are shown beside each picture.
        views: How many times each picture goes through them.
        faults: Only pictures with errors or warnings of the validator.
        side: Longer side of a tile in pixels.
        columns: Tiles side by side on a sheet; with ``config`` it is a picture and its views.
    """

    splits: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    count: int = 60
    seed: int = 0
    config: Path | None = None
    views: int = 3
    faults: bool = False
    side: int = 300
    columns: int = 5

    def __post_init__(self) -> None:
        """Raises FishDataError for a number out of range."""
        for name, low in (("count", 1), ("views", 1), ("side", 32), ("columns", 1), ("seed", 0)):
            if getattr(self, name) < low:
                value = getattr(self, name)
                raise FishDataError(f"{name}={value} is too small; the least is {low}")

    def words(self) -> str:
        """In words, or '' where nothing but the pictures is wanted."""
        words = [f"of {', '.join(self.classes)}"] if self.classes else []
        words += ["with faults"] if self.faults else []
        words += [f"as {self.config.stem} trains on them"] if self.config else []
        return ", ".join(words)


def browse(data_dir: str | os.PathLike, out: str | os.PathLike, wanted: Wanted) -> list[Path]:
    """Write ``index.html`` and ``sheet_<split>_001.jpg`` … into ``out``; the files written.

    Of files with faults that training refuses, what can be shown is shown; the page and a line on
    stderr say what cannot.

    Raises:
        FishDataError: no split can be read, ``wanted`` names a split, class or config that is
            not there, nothing is left to show, or ``out`` cannot be written or lies in the data.
    """
    check_output(out, data_dir)
    found, faults = (
        _with_faults(data_dir) if wanted.faults else (read_folder_anyway(data_dir), None)
    )
    for note in found.notes:
        print(note, file=sys.stderr)
    parts = _chosen_splits(found.parts, wanted.splits, data_dir)
    rows = {name: _rows(name, part, wanted, faults) for name, part in parts.items()}
    if not any(map(len, rows.values())):
        raise FishDataError(f"{data_dir}: no pictures {wanted.words()}; there is nothing to show")
    datasets = _datasets(data_dir, rows, wanted)
    folder, sections, files = output_folder(out, data_dir), [], []
    for name, part in parts.items():
        if not len(rows[name]):
            continue
        groups = _groups(name, part, rows[name], wanted, faults, datasets.get(name))
        seen = track(groups, len(rows[name]), f"{name} pictures")
        tiles = draw_tiles(seen, part.annotations.classes, wanted.side)
        files += _sheets(tiles, folder, name, wanted)
        sections.append(section(name, part.annotations, tiles))
    title = f"{Path(data_dir).resolve().name}: pictures {wanted.words()}".strip()
    intro = "\n\n".join((str(data_dir), *found.notes))
    render(folder / "index.html", title, sections, intro=intro)
    return [folder / "index.html", *files]


def stored(part: Part, row: int, note: str = "") -> Shown:
    """Picture ``row`` as it is on disk."""
    data = part.annotations
    boxes = data.boxes_of(row)
    corners = data.bboxes[boxes].copy()
    corners[:, 2:] += corners[:, :2]
    name = data.file_names[row]
    with quiet_decoders():
        pixels = cv2.imread(str(part.image_dir / name), cv2.IMREAD_COLOR)
    size = f"{data.widths[row]} × {data.heights[row]}, {len(corners)} boxes"
    ignore = data.crowd[boxes] | data.ignore[boxes]
    note = f"{size}; {note}" if note else size
    return Shown(pixels, corners, data.labels[boxes], ignore, name, note)


def _chosen_splits(
    parts: dict[str, Part], names: Sequence[str], data_dir: str | os.PathLike
) -> dict[str, Part]:
    missing = [name for name in names if name not in parts]
    if missing:
        raise FishDataError(f"{data_dir}: no split {missing[0]!r}; it has {', '.join(parts)}")
    return {name: part for name, part in parts.items() if not names or name in names}


def _rows(split: str, part: Part, wanted: Wanted, faults: Faults | None) -> np.ndarray:
    data = part.annotations
    rows = rows_with(data, labels_of(wanted.classes, data.classes) if wanted.classes else None)
    if faults is not None:
        rows = rows[np.array([(split, int(row)) in faults for row in rows], bool)]
    return some(rows, wanted.count, wanted.seed)


def _with_faults(data_dir: str | os.PathLike) -> tuple[Readable, Faults]:
    from fish_dataset.validation.run import validate

    report = validate(data_dir)
    broken = [finding for finding in report.findings if finding.rule == "annotation-file"]
    rules: dict[tuple[str, int], list[str]] = {}
    for one in report.evidence:
        if one.finding.severity in ("error", "warning"):
            for spot in one.spots:
                rules.setdefault((spot.split, spot.row), []).append(one.finding.rule)
    faults = {place: ", ".join(dict.fromkeys(names)) for place, names in rules.items()}
    return readable(data_dir, report.subject.readings, broken), faults


def _datasets(
    data_dir: str | os.PathLike, rows: Mapping[str, np.ndarray], wanted: Wanted
) -> dict[str, object]:
    """The config's training data set on each split that is shown."""
    if wanted.config is None:
        return {}
    from .training import training_dataset

    splits = find_splits(data_dir)
    return {name: training_dataset(wanted.config, splits[name]) for name in rows if len(rows[name])}


def _groups(
    split: str,
    part: Part,
    rows: np.ndarray,
    wanted: Wanted,
    faults: Faults | None,
    dataset: object | None,
) -> Iterator[tuple[Shown, ...]]:
    """For each picture what is shown side by side: itself, and its views."""
    from .training import view

    for row in rows.tolist():
        itself = stored(part, row, (faults or {}).get((split, row), ""))
        numbers = range(wanted.views if dataset is not None else 0)
        yield (itself, *(view(dataset, row, wanted.seed, number) for number in numbers))


def _sheets(tiles: list[list[Tile]], folder: Path, split: str, wanted: Wanted) -> list[Path]:
    columns = wanted.views + 1 if wanted.config else wanted.columns
    try:
        return write_sheets(tiles, folder, split, wanted.side, columns)
    except OSError as error:
        raise FishDataError(f"{folder}: cannot be written: {error.strerror or error}") from error
