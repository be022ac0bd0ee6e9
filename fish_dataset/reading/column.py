"""One key of a list of JSON objects, as arrays where its values allow."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, overload

import numpy as np

Part = np.ndarray | list
"""Values of a chunk: integers, float64 or bool (n,), float64 (n, 4); object (n,) of None; list."""

_KINDS = {"i": int, "f": float, "b": bool, "O": type(None)}


class Column(Sequence[Any]):
    """The values that one key has in N objects; None where it is missing.

    A million integers cost 4 MB in place of 40, and as arrays they need no look at each of them.

    Args:
        parts: The values, chunk by chunk, as ``pack`` or ``pack_boxes`` gave them.
    """

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self._parts = [part for part in parts if len(part)]
        self._ends = np.cumsum([len(part) for part in self._parts], dtype=np.int64).tolist()

    @property
    def kinds(self) -> set[type]:
        """The types that occur; a box kept as an array counts as a list."""
        found: set[type] = set()
        for part in self._parts:
            if isinstance(part, list):
                found.update(map(type, part))
            else:
                found.add(list if part.ndim == 2 else _KINDS[part.dtype.kind])
        return found

    def integers(self) -> np.ndarray | None:
        """(N,) int64 where all values are integers of 64 bits, else None."""
        if not self._parts:
            return np.zeros(0, dtype=np.int64)
        if any(isinstance(part, list) or part.dtype.kind != "i" for part in self._parts):
            return None
        return np.concatenate(self._parts, dtype=np.int64)

    def numbers(self) -> np.ndarray:
        """(N,) float64, NaN where a value is no number."""
        out = np.full(len(self), np.nan)
        for part, end in zip(self._parts, self._ends, strict=True):
            place = out[end - len(part) : end]
            if isinstance(part, list):
                place[:] = [float(v) if type(v) in (int, float) else np.nan for v in part]
            elif part.dtype.kind in "if":
                place[:] = part
        return out

    def boxes(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, 4) float64, zeros where a value is not four numbers, and (N,) bool: where it is.

        The array is the column's own from then on where all are boxes; leave it as it is.
        """
        out, readable = np.zeros((len(self), 4)), np.zeros(len(self), dtype=bool)
        for part, end in zip(self._parts, self._ends, strict=True):
            place = slice(end - len(part), end)
            if not isinstance(part, list):
                readable[place] = part.ndim == 2
                if part.ndim == 2:
                    out[place] = part
                continue
            fine = [is_box(value) for value in part]
            readable[place] = fine
            out[place][fine] = np.array([v for v in part if is_box(v)], np.float64).reshape(-1, 4)
        if self._parts and readable.all():
            self._parts, self._ends = [out], self._ends[-1:]
        return out, readable

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(f"value {index} of {len(self)}")
        number = bisect_right(self._ends, row)
        part = self._parts[number]
        value = part[row - self._ends[number] + len(part)]
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(
            part if isinstance(part, list) else part.tolist() for part in self._parts
        )


def pack(values: list) -> Part:
    """``values`` (n) as an array where they are all integers, floats, booleans, or all None."""
    kinds = set(map(type, values))
    if kinds == {int}:
        try:
            return _narrow(np.fromiter(values, np.int64, len(values)))
        except OverflowError:
            return [_within_64_bits(value) for value in values]
    if kinds == {float}:
        return np.fromiter(values, np.float64, len(values))
    if kinds == {bool}:
        return np.fromiter(values, np.bool_, len(values))
    if kinds == {type(None)}:
        return np.broadcast_to(np.array(None, dtype=object), len(values))
    return [_within_64_bits(v) for v in values] if int in kinds else values


def _narrow(integers: np.ndarray) -> np.ndarray:
    """The same integers in the smallest signed type that holds them."""
    low, high = integers.min(), integers.max()
    for kind in (np.int8, np.int32):
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return integers.astype(kind)
    return integers


def pack_boxes(values: list) -> Part:
    """``values`` as (n, 4) float64 where all are lists of four numbers, else as ``pack`` does."""
    if not _are_boxes(values):
        return pack(values)
    try:
        numbers = np.fromiter(chain.from_iterable(values), np.float64, 4 * len(values))
    except OverflowError:
        within = map(_within_64_bits, chain.from_iterable(values))
        numbers = np.fromiter(within, np.float64, 4 * len(values))
    return numbers.reshape(-1, 4)


def _are_boxes(values: list) -> bool:
    """Whether all are boxes; the types are gathered in C, since there may be millions."""
    if set(map(type, values)) - {list} or set(map(len, values)) - {4}:
        return False
    return set(map(type, chain.from_iterable(values))) <= {int, float}


def _within_64_bits(value: Any) -> Any:
    """A longer integer as a float, infinite where need be: no column and no check takes it."""
    if type(value) is not int or value.bit_length() <= 64:
        return value
    if value.bit_length() < 1024:
        return float(value)
    return math.inf if value > 0 else -math.inf


def is_box(value: object) -> bool:
    """Whether ``value`` is a list of four numbers."""
    if not isinstance(value, list) or len(value) != 4:
        return False
    return all(type(number) in (int, float) for number in value)
