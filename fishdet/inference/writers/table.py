"""Detections as a table: one row a fish."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..files import write_table
from .result import ImageResult
from .rows import columns, detection_rows


def write_csv(path: Path, results: Iterable[ImageResult], identified: bool = False) -> None:
    """Write ``path``; boxes in pixels of the picture; ``identified``: with ``rows.IDENTIFIED``.

    Raises:
        FishdetError: it cannot be written.
    """
    rows = (
        [result.file_name, result.width, result.height, *row]
        for result in results
        for row in detection_rows(result.detections, identified)
    )
    write_table(path, ("image", "width", "height", *columns(identified)), rows)
