"""Tiles into sheets of JPEG, and into the sections of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.files import write_atomic
from fish_dataset.page import Grid, Picture, Section, Table

from .tile import TEXT, Shown, captioned, draw

ROWS = 6  # of tiles on a sheet
Tile = tuple[np.ndarray, str, str]
"""A drawn picture (H, W, 3) uint8 BGR, its caption and its note."""


def draw_tiles(
    groups: Iterable[Sequence[Shown]], classes: Sequence[str], side: int
) -> list[list[Tile]]:
    """Draw pictures group by group, so that no more than one is in memory at full size."""
    return [
        [(draw(one, classes, side), one.caption, one.note) for one in group] for group in groups
    ]


def write_sheets(
    groups: Sequence[Sequence[Tile]], out: Path, split: str, side: int, columns: int
) -> list[Path]:
    """Write ``sheet_<split>_001.jpg`` …, tiles in rows of ``columns``; the files written.

    Raises:
        OSError: what writing raises.
    """
    cell = side + TEXT + 12, side + 8
    tiles = [captioned(image, caption, cell) for group in groups for image, caption, _ in group]
    columns = min(columns, len(tiles))
    blank, files = np.full((*cell, 3), 255, np.uint8), []
    for number, first in enumerate(range(0, len(tiles), columns * ROWS)):
        shown = tiles[first : first + columns * ROWS]
        shown += [blank] * (-len(shown) % columns)
        rows = [np.hstack(shown[i : i + columns]) for i in range(0, len(shown), columns)]
        path = out / f"sheet_{split}_{number + 1:03d}.jpg"
        _, data = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
        _write(path, data.tobytes())
        files.append(path)
    return files


def section(name: str, data: Annotations, groups: Sequence[Sequence[Tile]]) -> Section:
    """The tiles of one split for the page."""
    pictures = [
        Picture.of(image, caption, note, quality=75)
        for group in groups
        for image, caption, note in group
    ]
    numbers = data.boxes_per_class().tolist(), data.ignored_per_class().tolist()
    counts = list(zip(data.classes, *numbers, strict=True))
    table = Table(("class", "boxes", "ignored"), counts, caption=f"all of {name}", folded=True)
    return Section(name, [Grid(pictures, f"{len(groups)} of {data.num_images} pictures"), table])


def _write(path: Path, data: bytes) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    write_atomic(path, write)
