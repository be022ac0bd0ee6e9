"""Writing a data set out as YOLO, Pascal VOC or CSV, for tools that read no COCO JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder, write_json
from fish_dataset.folder import Part, Transfer, transfer, write_folder
from fish_dataset.formats.builder import Loss
from fish_dataset.formats.out_images import images_of
from fish_dataset.formats.write_csv import write_csv
from fish_dataset.formats.write_voc import NOT_XML, write_voc
from fish_dataset.formats.write_yolo import write_yolo
from fish_dataset.progress import track


def write_as(
    kind: str,
    out: str | os.PathLike,
    parts: Mapping[str, Part],
    *,
    images: Transfer = "copy",
    documents: Mapping[str, Any] | None = None,
) -> None:
    """Writes the splits in a format that ``WRITERS`` names; the whole of it or nothing.

    Args:
        kind: ``'coco'``, ``'yolo'``, ``'voc'`` or ``'csv'``.
        out: A folder that is absent or empty.
        parts: The splits, with one class list.
        images: Copy the pictures, or link to them.
        documents: Further JSON files by name.

    Raises:
        FishDataError: ``out`` holds something or cannot be written; a picture is missing; two
            pictures would share a label file; a name cannot be written in the format.
    """
    if kind == "coco":
        write_folder(out, parts, images=images, documents=documents or {})
        return
    root = require_new_folder(out)
    _check_names(kind, parts)
    try:
        with replacing(root) as work:
            work.mkdir(exist_ok=True)
            WRITERS[kind](work, parts)
            total = sum(part.annotations.num_images for part in parts.values())
            for source, target in track(_pictures(kind, parts), total, "pictures"):
                if not (work / target).exists():
                    transfer(source, work / target, images)
            for name, document in (documents or {}).items():
                write_json(work / name, document)
    except OSError as error:
        place = error.filename or root
        raise FishDataError(
            f"{place}: {error.strerror or error}; {root} was not written"
        ) from error


def not_writable(kind: str, parts: Mapping[str, Part]) -> tuple[dict[str, Loss], dict[str, int]]:
    """What the format has no place for: it is left out, and nothing else is.

    YOLO marks no box as crowd or ignored; written as a common box it would count as a fish.

    Returns:
        Losses by reason, and their boxes by class name.
    """
    losses: dict[str, Loss] = {}
    names: dict[str, int] = {}
    for split, part in parts.items() if kind == "yolo" else ():
        for image in images_of(part):
            for *_, name, crowd, ignore in image.boxes:
                if crowd or ignore:
                    reason = "crowd or ignored box, which YOLO cannot mark"
                    losses.setdefault(reason, Loss()).add(f"{split}/{image.name}", name, 1)
                    names[name] = names.get(name, 0) + 1
    return losses, names


def _pictures(kind: str, parts: Mapping[str, Part]) -> Iterator[tuple[Path, Path]]:
    """(picture, where it goes below the new folder)."""
    for split, part in parts.items():
        for name in part.annotations.file_names:
            yield part.image_dir / name, _target(kind, split, name)


def _target(kind: str, split: str, name: str) -> Path:
    folders = {"yolo": Path("images", split), "voc": Path("JPEGImages"), "csv": Path("images")}
    return folders[kind] / name


def _check_names(kind: str, parts: Mapping[str, Part]) -> None:
    """Refuses what would be mixed up or unreadable in the new folder."""
    sources: dict[str, Path] = {}
    for split, part in parts.items():
        for name in part.annotations.file_names:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name:
                raise FishDataError(f"file name {name!r} leads out of the new folder; rename it")
            target = _target(kind, split, name)
            # YOLO and VOC name the label file by the picture's name without its suffix.
            key = str(target if kind == "csv" else target.with_suffix("")).casefold()
            source = part.image_dir / name
            if sources.setdefault(key, source) != source:
                raise FishDataError(
                    f"{source} and {sources[key]} would share a name or a label file in {kind}; "
                    "rename one"
                )
    if kind == "voc":
        classes = next(iter(parts.values())).annotations.classes
        names = [*classes, *(n for part in parts.values() for n in part.annotations.file_names)]
        bad = next((name for name in names if NOT_XML & set(name)), None)
        if bad is not None:
            raise FishDataError(f"{bad!r} holds a control character, which XML cannot; rename it")


WRITERS: dict[str, Callable[[Path, Mapping[str, Part]], None]] = {
    "yolo": write_yolo,
    "voc": write_voc,
    "csv": write_csv,
}
"""What ``--to`` takes beside 'coco'."""
