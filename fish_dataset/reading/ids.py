"""Ids of any kind: uniqueness, references, and integers from 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fish_dataset.reading.column import Column

_SLICE = 1 << 15


def is_id(value: object) -> bool:
    """Whether a JSON value can be an id: text, or a number that is an integer."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def as_integers(values: Sequence[object]) -> np.ndarray | None:
    """``values`` as int64 (N,) where all of them are such integers, else None."""
    if isinstance(values, Column):
        return values.integers()
    if set(map(type, values)) - {int}:
        return None
    try:
        return np.fromiter(values, np.int64, len(values))  # type: ignore[arg-type]
    except OverflowError:
        return None


def repeated(values: Sequence[object]) -> list[int]:
    """Positions at which a value stands that stood before."""
    integers = as_integers(values)
    if integers is not None:
        order = np.argsort(integers, kind="stable")
        again = np.zeros(len(integers), dtype=bool)
        again[order[1:]] = np.diff(integers[order]) == 0
        return np.flatnonzero(again).tolist()
    seen: set[object] = set()
    again_rows = []
    for row, value in enumerate(values):
        if value in seen:
            again_rows.append(row)
        seen.add(value)
    return again_rows


def resolve(references: Sequence[object], ids: Sequence[object]) -> tuple[np.ndarray, list[int]]:
    """The row in ``ids`` that each reference names.

    Args:
        references: M values, such as the ``image_id`` of each annotation.
        ids: N unique ids.

    Returns:
        (M,) int64 with -1 where nothing matches, and the positions that match only when "7" and 7
        count as the same.
    """
    wanted, known = as_integers(references), as_integers(ids)
    if wanted is not None and known is not None:
        return _resolve_integers(wanted, known), []
    rows = {value: row for row, value in enumerate(ids) if is_id(value)}
    found = np.full(len(references), -1, dtype=np.int64)
    by_text = {_text(value): row for value, row in rows.items()}
    by_kind: list[int] = []
    for position, value in enumerate(references):
        if not is_id(value):
            continue
        if value in rows:
            found[position] = rows[value]
        elif _text(value) in by_text:
            found[position] = by_text[_text(value)]
            by_kind.append(position)
    return found, by_kind


def _resolve_integers(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    found = np.full(len(wanted), -1, dtype=np.int64)
    if not len(known):
        return found
    order = np.argsort(known, kind="stable")
    ascending = known[order]
    for start in range(0, len(wanted), _SLICE):  # memory for the way there is a slice's only
        part = slice(start, start + _SLICE)
        place = np.searchsorted(ascending, wanted[part]).clip(max=len(known) - 1)
        found[part] = np.where(ascending[place] == wanted[part], order[place], -1)
    return found


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def positive_ids(values: Sequence[object]) -> np.ndarray | None:
    """``values`` as int64 (N,) where they are unique integers of at least 1, else None."""
    integers = as_integers(values)
    if integers is None or (integers.size and integers.min() < 1):
        return None
    return integers if len(np.unique(integers)) == len(integers) else None
