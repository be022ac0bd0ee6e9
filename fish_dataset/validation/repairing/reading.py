"""What the lenient reader has mended already, as changes of the copy."""

from __future__ import annotations

import numpy as np

from fish_dataset.reading.lenient import Reading
from fish_dataset.strings import Strings
from fish_dataset.validation.repairing.changes import Changes

_ACTIONS = {
    "image-size-read": "size read from the picture",
    "reference-kind": "text and number taken as one id",
    "area-computed": "area computed from the box",
    "flag": "flag read as not set",
    "category-dummy": "dummy class left out",
    "boxes-xyxy": "corners turned into width and height",
}
"""Findings of the reader that change the file and that no other step of the repair lists."""

_IMAGE_IDS = ("image-id", "image-id-duplicate", "image-id-renumbered")


def note_reading(split: str, reading: Reading, changes: Changes) -> None:
    """List ids that are renumbered, names that are respelled, and values that were filled in.

    Ids and names are listed one by one; of the others as many as the reading tells, and the number
    of the rest.
    """
    _note_images(split, reading, changes)
    _note_box_ids(split, reading, changes)
    for finding in reading.findings:
        action = _ACTIONS.get(finding.rule)
        if action and finding.field:
            count = finding.count
            changes.add(finding.rule, action, split, finding.field, finding.value, count=count)
        elif action:
            changes.add(finding.rule, action, split, "", "further ones", count=finding.count)


def _note_images(split: str, reading: Reading, changes: Changes) -> None:
    data = reading.annotations
    for row, before in enumerate(ids_before(reading)):
        number = str(data.image_ids[row])
        if before != number:
            place = f"images[{reading.image_entries[row]}].id"
            detail = f"{before} → {number}"
            changes.add("image-id-renumbered", "id changed", split, place, detail)
    for entry, name in zip(reading.image_entries.tolist(), data.file_names, strict=True):
        given = reading.file_names[entry]
        if given != name:
            rule = "image-path-backslash" if "\\" in given else "image-file-respelled"
            place = f"images[{entry}].file_name"
            changes.add(rule, "file_name changed", split, place, f"{given!r} → {name!r}")


def ids_before(reading: Reading) -> Strings | tuple[()]:
    """N image ids as texts, as the file has them; empty where they are kept."""
    renumbered = any(finding.rule in _IMAGE_IDS for finding in reading.findings)
    return reading.annotations.image_meta["source_id"] if renumbered else ()


def _note_box_ids(split: str, reading: Reading, changes: Changes) -> None:
    given = reading.file_box_ids
    integers = given.integers()
    if integers is not None and np.array_equal(integers, reading.raw_ids):
        return
    for entry, number in enumerate(reading.raw_ids.tolist()):
        if given[entry] != number:
            detail = f"{given[entry]!r} → {number}"
            place = f"annotations[{entry}].id"
            changes.add("annotation-id-renumbered", "id changed", split, place, detail)
