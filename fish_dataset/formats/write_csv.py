"""Annotations → one table a split: a row for each box, and one for each picture without any.

Columns: filename, width, height, class, xmin, ymin, xmax, ymax as TensorFlow's tables have them
(edges in pixels from 0), then iscrowd and ignore.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from fish_dataset.folder import Part
from fish_dataset.formats.out_images import images_of
from fish_dataset.progress import track

CSV_COLUMNS = (
    *("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"),
    *("iscrowd", "ignore"),
)


def write_csv(work: Path, parts: Mapping[str, Part]) -> None:
    """Writes ``<split>.csv`` below ``work``.

    Raises:
        OSError: what writing raises.
    """
    for split, part in parts.items():
        with (work / f"{split}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(CSV_COLUMNS)
            for image in track(images_of(part), part.annotations.num_images, f"{split} labels"):
                start = (image.name, image.width, image.height)
                if not image.boxes:
                    writer.writerow((*start, *[""] * 7))
                for x, y, w, h, name, crowd, ignore in image.boxes:
                    corners = [round(value, 4) for value in (x, y, x + w, y + h)]
                    writer.writerow((*start, name, *corners, int(crowd), int(ignore)))
