"""All splits of a data folder as one, to be dealt out anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part, read_folder
from fish_dataset.joining import join, shared_names, take


@dataclass(frozen=True)
class Pool:
    """Pictures of all splits of a folder.

    Attributes:
        part: All of them, with ids from 1.
        splits: Rows (n,) int64 of each split that the folder had.
        notes: In words, what was done to make them one.
    """

    part: Part
    splits: dict[str, np.ndarray]
    notes: tuple[str, ...]


def pool_folder(data_dir: str | os.PathLike) -> Pool:
    """Read a data folder and put its splits together.

    Raises:
        FishDataError: see ``read_folder``; or classes that differ between the splits only in how
            they are written.
    """
    return pool_parts(read_folder(data_dir))


def pool_parts(parts: Mapping[str, Part]) -> Pool:
    """Put splits together; a picture that stands in several is kept from the first of them."""
    notes: list[str] = []
    _check_classes(parts, notes)
    unique = _without_repeats(parts, notes)
    prefixes = [""] * len(unique)
    clashes = shared_names(list(unique.values()))
    if clashes:
        prefixes = [f"{name}/" for name in unique]
        notes.append(
            f"{clashes} file names stood in two splits for different pictures; each name now "
            "starts with its former split"
        )
    pooled = join(list(unique.values()), prefixes)
    sizes = [part.annotations.num_images for part in unique.values()]
    ends = np.cumsum(sizes)
    rows = np.split(np.arange(ends[-1], dtype=np.int64), ends[:-1])
    if len(unique) > 1:
        listed = ", ".join(f"{name} ({size})" for name, size in zip(unique, sizes, strict=True))
        notes.insert(0, f"the splits {listed} were pooled first")
    return Pool(pooled, dict(zip(unique, rows, strict=True)), tuple(notes))


def _check_classes(parts: Mapping[str, Part], notes: list[str]) -> None:
    spelled: dict[str, str] = {}
    for part in parts.values():
        for name in part.annotations.classes:
            other = spelled.setdefault(name.casefold().strip(), name)
            if other != name:
                raise FishDataError(
                    f"classes {other!r} and {name!r} of two splits differ only in how they are "
                    "written; make them one with tools/dataset/merge.py, or rename one"
                )
    if len({frozenset(part.annotations.classes) for part in parts.values()}) > 1:
        notes.append("the splits list different classes; all parts now list all of them")


def _without_repeats(parts: Mapping[str, Part], notes: list[str]) -> dict[str, Part]:
    seen: set[str] = set()
    unique, pictures, boxes = {}, 0, 0
    for name, part in parts.items():
        folder = os.path.realpath(part.image_dir)
        paths = [os.path.join(folder, picture) for picture in part.annotations.file_names]
        new = np.array([path not in seen for path in paths], dtype=bool)
        seen.update(paths)
        unique[name] = part if new.all() else take(part, new)
        pictures += int((~new).sum())
        boxes += part.annotations.num_boxes - unique[name].annotations.num_boxes
    if pictures:
        notes.append(
            f"{pictures} pictures stood in two splits; the first entry of each was kept, "
            f"{boxes} boxes of the others were left out"
        )
    return {name: part for name, part in unique.items() if part.annotations.num_images}
