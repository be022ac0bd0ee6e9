"""The ids that stand in an annotation file, whatever the rows and labels are called in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from fish_dataset.annotations import Annotations
from fish_dataset.errors import FishDataError


class _Named(msgspec.Struct):
    id: int | str
    name: str = ""
    file_name: str = ""


class _File(msgspec.Struct):
    images: list[_Named]
    categories: list[_Named]


def file_ids(ann_file: Path, annotations: Annotations) -> tuple[dict[Any, int], dict[Any, int]]:
    """Return image id → row and category id → label of ``annotations``, read from that file.

    Images and categories of the file that ``annotations`` has not are left out.

    Raises:
        FishDataError: the file cannot be read.
    """
    try:
        file = msgspec.json.decode(ann_file.read_bytes(), type=_File)
    except (msgspec.DecodeError, OSError) as error:
        raise FishDataError(f"{ann_file}: {error}") from error
    row_of = {name: row for row, name in enumerate(annotations.file_names)}
    label_of = {name: label for label, name in enumerate(annotations.classes)}
    named = ((image.id, row_of.get(image.file_name.replace("\\", "/"))) for image in file.images)
    images = {key: row for key, row in named if row is not None}
    labels = {c.id: label_of[c.name] for c in file.categories if c.name in label_of}
    return images, labels
