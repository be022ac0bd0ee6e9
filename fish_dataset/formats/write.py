"""Writing a data set out as YOLO, Pascal VOC or CSV, for tools that read no COCO JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder, write_documents
from fish_dataset.folder import Part, Transfer, transfer, write_folder
from fish_dataset.formats.losses import Losses
from fish_dataset.formats.out_images import images_of
from fish_dataset.formats.write_csv import write_csv
from fish_dataset.formats.write_voc import NOT_XML, write_voc
from fish_dataset.formats.write_yolo import only_marked, write_yolo
from fish_dataset.progress import track

_UNMARKED = "crowd or ignored box, which YOLO cannot mark"
ONLY_MARKED = "picture of crowd or ignored boxes only (left out: it is no picture without fish)"
"""Reason for the pictures that YOLO cannot hold."""


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
        documents: Further files by name (see ``write_documents``).

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
            write_documents(work, documents or {})
    except OSError as error:
        place = error.filename or root
        raise FishDataError(
            f"{place}: {error.strerror or error}; {root} was not written"
        ) from error


def not_writable(kind: str, parts: Mapping[str, Part]) -> tuple[Losses, dict[str, int]]:
    """What the format has no place for: it is left out, and nothing else is.

    YOLO marks no box as crowd or ignored; written as a common box it would count as a fish. VOC
    marks both as difficult, CSV has a column for each.

    Returns:
        Losses by reason, and their boxes by class name.
    """
    losses = Losses()
    names: dict[str, int] = {}
    for split, part in parts.items() if kind == "yolo" else ():
        for image in images_of(part):
            where = f"{split}/{image.name}"
            for *_, name, crowd, ignore in image.boxes:
                if crowd or ignore:
                    losses.add(_UNMARKED, where, name, name=name, picture=image.name)
                    names[name] = names.get(name, 0) + 1
            if only_marked(image):
                losses.add(ONLY_MARKED, where, f"{len(image.boxes)} boxes", 0, picture=image.name)
    return losses, names


def left_out(kind: str, part: Part) -> set[str]:
    """Names of the pictures of a split that the format cannot hold."""
    return (
        {image.name for image in images_of(part) if only_marked(image)} if kind == "yolo" else set()
    )


def _pictures(kind: str, parts: Mapping[str, Part]) -> Iterator[tuple[Path, Path]]:
    """(picture, where it goes below the new folder)."""
    for split, part in parts.items():
        left = left_out(kind, part)
        for name in part.annotations.file_names:
            if name in left:
                continue
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
