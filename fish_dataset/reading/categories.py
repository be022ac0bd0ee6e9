"""The classes of a file and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.classes import class_difference, folded
from fish_dataset.findings import FindingLog
from fish_dataset.reading.column import Column
from fish_dataset.reading.ids import as_integers, is_id, repeated


@dataclass(frozen=True)
class Categories:
    """The class list of a file.

    Attributes:
        classes: Names in the order of labels.
        ids: Category ids as they stand in the file, one for each entry.
        labels: (entries,) int64, label of each entry; -1 for an entry that is left out.
    """

    classes: tuple[str, ...]
    ids: list[object]
    labels: np.ndarray


def read_categories(
    entries: list[dict],
    used: Column,
    log: FindingLog,
    *,
    classes: tuple[str, ...] | None = None,
    drop_dummy: bool = True,
) -> Categories:
    """Classes in the order of ``classes``, or else of their ids.

    Integer ids are sorted by number, whatever the entries' order in the list; where an id is a
    text, classes keep the order in which the file lists them.

    Args:
        entries: The file's list.
        used: The category_id of each annotation.
        log: Takes the faults.
        classes: The class order to use.
        drop_dummy: Whether to leave out Roboflow's dummy category.
    """
    ids = [entry.get("id") for entry in entries]
    names = [entry.get("name") for entry in entries]
    dummy = _dummy_row(entries, used, classes) if drop_dummy else None
    kept = [row for row in range(len(entries)) if row != dummy]
    if dummy is not None:
        log.add("category-dummy", f"categories[{dummy}].name", names[dummy])
    if not _check_entries(ids, names, kept, log):
        return Categories((), ids, np.full(len(ids), -1, dtype=np.int64))
    order = _id_order(ids, kept)
    found = tuple(str(names[row]) for row in order)
    difference = class_difference(classes, found) if classes is not None else None
    if difference is not None:
        log.add("class-set", "categories", difference)
    final = classes if classes is not None and difference is None else found
    rank = {name: label for label, name in enumerate(final)}
    labels = np.full(len(ids), -1, dtype=np.int64)
    for row in kept:
        labels[row] = rank[str(names[row])]
    return Categories(final, ids, labels)


def _dummy_row(entries: list[dict], used: Column, classes: Sequence[str] | None) -> int | None:
    """Row of Roboflow's category 0: the supercategory of all others, and no box has it."""
    rows = [row for row, entry in enumerate(entries) if entry.get("id") in (0, "0")]
    if len(rows) != 1 or len(entries) < 2 or entries[rows[0]].get("id") is False:
        return None
    dummy = entries[rows[0]]
    others = [entry for row, entry in enumerate(entries) if row != rows[0]]
    name = dummy.get("name")
    if dummy.get("supercategory") not in (None, "", "none"):
        return None
    if not isinstance(name, str) or any(entry.get("supercategory") != name for entry in others):
        return None
    wanted = classes is not None and name in classes
    if wanted and all(entry.get("name") != name for entry in others):
        return None
    if any(category in (0, "0") for category in used):
        return None
    return rows[0]


def _id_order(ids: list[object], kept: list[int]) -> list[int]:
    integers = as_integers([ids[row] for row in kept])
    if integers is None:
        return kept
    return [kept[position] for position in np.argsort(integers, kind="stable")]


def _is_name(value: object) -> bool:
    """Text that is not blank and that UTF-8 can hold (a lone surrogate is none)."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _check_entries(
    ids: list[object], names: list[object], kept: list[int], log: FindingLog
) -> bool:
    """Notes faults of ids and names; False where labels cannot be given."""
    if not kept:
        log.add("category-missing", "categories", [])
        return False
    bad_ids = [row for row in kept if not is_id(ids[row])]
    bad_names = [row for row in kept if not _is_name(names[row])]
    if not bad_ids:
        bad_ids = [kept[position] for position in repeated([ids[row] for row in kept])]
    if not bad_names:
        bad_names = [kept[position] for position in repeated([names[row] for row in kept])]
    log.add_rows("category-id", bad_ids, lambda row: f"categories[{row}].id", ids.__getitem__)
    log.add_rows(
        "category-name", bad_names, lambda row: f"categories[{row}].name", names.__getitem__
    )
    if bad_ids or bad_names:
        return False
    by_fold: dict[str, list[str]] = {}
    for row in kept:
        by_fold.setdefault(folded(str(names[row])), []).append(str(names[row]))
    for alike in by_fold.values():
        if len(alike) > 1:
            log.add("category-lookalike", "categories", ", ".join(map(repr, alike)))
    return True
