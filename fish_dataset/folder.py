"""A data set as a folder in the plain layout: read the whole of one, write the whole of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco, write_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder, write_documents
from fish_dataset.layout import find_splits
from fish_dataset.progress import track
from fish_dataset.strings import Strings

Transfer = Literal["copy", "hardlink", "symlink"]


@dataclass(frozen=True)
class Part:
    """One split with the folder that its file names start from.

    Attributes:
        annotations: Its pictures and boxes.
        image_dir: Folder that the file names start from.
        sources: N paths of the pictures, where they lie under other names than their file names
            (pooled from several folders), absolute or from ``image_dir``.
    """

    annotations: Annotations
    image_dir: Path
    sources: Strings | None = None


def read_folder(data_dir: str | os.PathLike) -> dict[str, Part]:
    """Read and check every split of a data folder.

    Raises:
        FishDataError: the layout is unknown, or a file has faults (see ``read_coco``).
    """
    parts = {}
    for name, split in find_splits(data_dir).items():
        annotations, _ = read_coco(split.ann_file, image_dir=split.image_dir)
        parts[name] = Part(annotations, split.image_dir)
    return parts


def write_folder(
    out: str | os.PathLike,
    parts: Mapping[str, Part],
    *,
    images: Transfer = "copy",
    documents: Mapping[str, Any] | None = None,
) -> None:
    """Write ``OUT/<split>.json`` and ``OUT/images/``: the whole of it or nothing.

    Args:
        out: a folder that is absent or empty.
        parts: the splits; pictures keep their file names, so a name that two splits share must
            be one and the same file.
        images: copy the pictures, or link to them (which keeps the space, and ties the new
            folder to the old one).
        documents: further files by name, such as ``conversion.json`` (see ``write_documents``).

    Raises:
        FishDataError: ``out`` holds something or cannot be written; two pictures would get one
            name; a name leads out of the folder; a picture is missing.
    """
    root = require_new_folder(out)
    pictures = _pictures(parts)
    try:
        with replacing(root) as work:
            (work / "images").mkdir()
            for target, source in track(pictures.items(), len(pictures), "pictures"):
                transfer(source, work / "images" / target, images)
            for name, part in parts.items():
                write_coco(part.annotations, work / f"{name}.json")
            write_documents(work, documents or {})
    except OSError as error:
        place = error.filename or root
        raise FishDataError(
            f"{place}: {error.strerror or error}; {root} was not written"
        ) from error


def _pictures(parts: Mapping[str, Part]) -> dict[str, Path]:
    """The source of every picture by its name in the new folder."""
    pictures: dict[str, Path] = {}
    for part in parts.values():
        for name, source in _sources(part):
            if pictures.setdefault(name, source) != source:
                raise FishDataError(
                    f"{source} and {pictures[name]} would both become images/{name}; rename one"
                )
    return pictures


def _sources(part: Part) -> Iterator[tuple[str, Path]]:
    names = part.annotations.file_names
    for name, source in zip(names, part.sources or names, strict=True):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise FishDataError(
                f"file name {name!r} leads out of the new folder; use names relative to it"
            )
        yield name, part.image_dir / source


def transfer(source: Path, target: Path, how: Transfer) -> None:
    """Copy or link one file to where ``target`` says; its folder is made.

    Raises:
        OSError: what copying or linking raises.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == "symlink":
        source.stat()  # a link to nothing would only fail when it is read
        target.symlink_to(source.resolve())
    elif how == "hardlink":
        os.link(source, target)
    else:
        shutil.copyfile(source, target)
