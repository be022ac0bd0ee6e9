"""Foreign annotation formats: one module each, pure functions to and from ``Annotations``.

Each module exposes ``FORMATS``, a tuple of :class:`~fish_dataset.formats.source.Format`.
"""

from __future__ import annotations

from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats import (
    brackish,
    coco,
    csv_table,
    cvat,
    deepfish,
    fathomnet,
    fishclef,
    fishnet,
    ground_truth,
    opencv_list,
    photo_folders,
    viame,
    voc,
    yolo,
)
from fish_dataset.formats.seen import describe_source
from fish_dataset.formats.source import Builder, Converted, Format, Options

__all__ = ["FORMATS", "Builder", "Converted", "Format", "Options", "named", "recognise"]

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_MODULES = (
    *(coco, yolo, voc, csv_table, fishnet, fathomnet, viame, brackish, deepfish),
    *(cvat, ground_truth, fishclef, opencv_list, photo_folders),
)

FORMATS: dict[str, Format] = {entry.name: entry for module in _MODULES for entry in module.FORMATS}
"""Every format by the name that ``--format`` takes."""


def named(name: str) -> Format:
    """The format of that name.

    Raises:
        FishDataError: there is none; the message lists those there are.
    """
    if name not in FORMATS:
        raise FishDataError(f"--format {name}: no such format; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def recognise(source: Path) -> tuple[Format, str]:
    """The format of a file or folder, and the evidence for it in words.

    Raises:
        FishDataError: the source is missing, of no known format, or could be of several that
            are equally special.
    """
    if not source.exists():
        raise FishDataError(f"{source}: no such file or folder")
    if source.is_file() and source.suffix.lower() in _ARCHIVES:
        raise FishDataError(f"{source}: is an archive; unpack it and pass the folder")
    hits = [(entry, entry.recognise(source)) for entry in FORMATS.values()]
    found = [(entry, evidence) for entry, evidence in hits if evidence is not None]
    if not found:
        titles = "\n".join(f"  {entry.name}: {entry.title}" for entry in FORMATS.values())
        raise FishDataError(
            f"{source}: none of the known formats; {describe_source(source)}\nKnown are\n{titles}"
            "\nPass the folder that holds the labels, or --format NAME to have it read as one"
        )
    top = max(entry.rank for entry, _ in found)
    best = [(entry, evidence) for entry, evidence in found if entry.rank == top]
    if len(best) > 1:
        listed = "\n".join(f"  --format {entry.name}: {evidence}" for entry, evidence in best)
        raise FishDataError(f"{source}: could be any of\n{listed}\nPass the one to take")
    return best[0]
