"""How large the pictures of a source are, and whether the source says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import displayed_size
from fish_dataset.progress import track


def picture_sizes(builder: Builder, paths: list[Path | None]) -> np.ndarray:
    """(N, 2) int64 width and height; read from the picture where the source does not say, 0 where
    that cannot be read either."""
    sizes = np.stack([np.array(builder.widths), np.array(builder.heights)], axis=1)
    unknown = [row for row in np.flatnonzero((sizes < 1).any(axis=1)).tolist() if paths[row]]
    for row in track(unknown, len(unknown), "picture sizes") if unknown else ():
        path = paths[row]
        size = None if path is None else displayed_size(path)
        sizes[row] = (0, 0) if size is None else size[:2]
        if size is not None and size[2]:
            builder.count("picture is turned by its Exif tag; its size is taken as displayed")
    _compare_sizes(builder, paths, sizes, set(unknown))
    return sizes


def _compare_sizes(
    builder: Builder, paths: list[Path | None], sizes: np.ndarray, known: set[int]
) -> None:
    """Counts pictures of another size than the source says; the record stands, since nobody can
    tell which of the two its boxes were drawn on."""
    known |= builder.measured
    said = [row for row, path in enumerate(paths) if path is not None and row not in known]
    differ, first = 0, ""
    for row in track(said, len(said), "picture sizes") if said else ():
        path = paths[row]
        size = None if path is None else displayed_size(path)
        if size is not None and size[:2] != tuple(sizes[row].tolist()):
            differ += 1
            told = "{}×{}".format(*sizes[row].tolist())
            first = first or f"{builder.images[row][1]} is {size[0]}×{size[1]}, recorded as {told}"
    if differ:
        builder.count(
            f"picture has another size than its record says (first: {first}); the record is kept: "
            "validate.py lists each and --fix repairs them",
            differ,
        )
