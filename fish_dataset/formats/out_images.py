"""Pictures with their boxes, one at a time, for the writers of other formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fish_dataset.coco import short_floats
from fish_dataset.folder import Part


class OutImage(NamedTuple):
    """A picture with its boxes, (left, top, width, height, class name, crowd, ignore) each."""

    name: str
    width: int
    height: int
    boxes: list[tuple[float, float, float, float, str, bool, bool]]


def images_of(part: Part) -> Iterator[OutImage]:
    """The pictures of a split in their order."""
    table = part.annotations
    bboxes = short_floats(table.bboxes).tolist()
    names = [table.classes[label] for label in table.labels.tolist()]
    crowd, ignore = table.crowd.tolist(), table.ignore.tolist()
    rows = zip(table.file_names, table.widths.tolist(), table.heights.tolist(), strict=True)
    for row, (name, width, height) in enumerate(rows):
        boxes = [
            (*bboxes[box], names[box], crowd[box], ignore[box])
            for box in range(*table.boxes_of(row).indices(table.num_boxes))
        ]
        yield OutImage(name, width, height, boxes)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file and the folders it lies in.

    Raises:
        OSError: what writing raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
