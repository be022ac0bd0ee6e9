"""A data folder read as far as it goes, for tools that show data; training never reads so."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.findings import Finding, count_findings
from fish_dataset.folder import Part
from fish_dataset.layout import find_splits
from fish_dataset.progress import counted, silent
from fish_dataset.reading.lenient import Reading, read_anyway

MEGA = 1_000_000
LARGE = 20 * MEGA
"""Bytes of a file that takes long enough to read to be told of."""

_REMEDY = "python tools/dataset/validate.py {root} tells where and why"


@dataclass(frozen=True)
class Readable:
    """What of a data folder can be shown.

    Attributes:
        parts: Splits that can be read, with pictures that have a name and a size, and sound boxes.
        notes: In words, what cannot be shown, with counts; empty where all can.
    """

    parts: dict[str, Part]
    notes: tuple[str, ...]


def read_folder_anyway(data_dir: str | os.PathLike, *, progress: bool = True) -> Readable:
    """Read every split of a data folder as far as it goes; ``progress`` as for ``read_splits``.

    Raises:
        FishDataError: the layout is unknown, or no split can be read at all.
    """
    readings, broken = read_splits(data_dir, progress=progress)
    return readable(data_dir, readings, broken)


def read_splits(
    data_dir: str | os.PathLike, *, progress: bool = True
) -> tuple[dict[str, Reading], list[Finding]]:
    """The splits that can be read, by name, and a finding for each file that is no COCO JSON.

    Args:
        data_dir: A folder in one of the known layouts.
        progress: Whether to tell on stderr how far large files are read.

    Raises:
        FishDataError: the layout is unknown.
    """
    readings: dict[str, Reading] = {}
    broken: list[Finding] = []
    for name, split in find_splits(data_dir).items():
        size = split.ann_file.stat().st_size
        told = progress and size >= LARGE
        with (
            counted(-(-size // MEGA), f"MB of {split.ann_file.name}") if told else silent() as step
        ):
            reading = read_anyway(split, _in_megabytes(step))
        if isinstance(reading, Reading):
            readings[name] = reading
        else:
            broken.append(reading)
    return readings, broken


def _in_megabytes(advance: Callable[[int], None]) -> Callable[[int], None]:
    """``advance`` for bytes."""
    rest = 0

    def step(done: int) -> None:
        nonlocal rest
        # An empty block is the end: then the part of a megabyte that is left is one more.
        whole, rest = divmod(rest + done, MEGA) if done else (int(rest > 0), 0)
        if whole:
            advance(whole)

    return step


def readable(
    data_dir: str | os.PathLike, readings: Mapping[str, Reading], broken: list[Finding]
) -> Readable:
    """What ``read_splits`` gave, as parts and words.

    Raises:
        FishDataError: there is no reading.
    """
    unread = [f"{finding.file}: {finding.value}" for finding in broken]
    if not readings:
        raise FishDataError("\n".join(unread))
    notes = [f"left out: {line}" for line in unread]
    notes += [note for reading in readings.values() if (note := _note(reading))]
    if notes:
        notes.append(_REMEDY.format(root=data_dir))
    parts = {name: Part(r.annotations, r.image_dir) for name, r in readings.items()}
    return Readable(parts, tuple(notes))


def _note(reading: Reading) -> str:
    """Errors of one file with what they cost, or ''."""
    errors = [finding for finding in reading.findings if finding.severity == "error"]
    if not errors:
        return ""
    pictures, boxes = len(reading.image_rows), len(reading.raw)
    lost = (
        f"{pictures - reading.annotations.num_images} of {pictures} pictures and "
        f"{boxes - reading.annotations.num_boxes} of {boxes} boxes cannot be shown"
    )
    rules = ", ".join(f"{count} × {rule}" for rule, count in count_findings(errors).items())
    return f"{Path(reading.file)}: {lost} ({rules})"
