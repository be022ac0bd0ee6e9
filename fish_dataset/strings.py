"""A column of strings in one buffer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from fish_dataset.ragged import as_rows, ranges


class Strings(Sequence[str]):
    """An immutable sequence of strings: their UTF-8 bytes end to end, and where each one ends.

    A million file names cost their bytes and 8 more each, in two arrays that worker processes
    share, in place of a million Python objects whose reference counts unshare their pages.

    Args:
        data: (B,) uint8, the bytes of all strings.
        offsets: (N + 1,) int64, ascending from 0 to B; string ``i`` is
            ``data[offsets[i]:offsets[i + 1]]``.
    """

    __slots__ = ("_data", "_offsets")

    def __init__(self, data: np.ndarray, offsets: np.ndarray) -> None:
        self._data = np.ascontiguousarray(data, dtype=np.uint8).view()
        self._offsets = np.ascontiguousarray(offsets, dtype=np.int64).view()
        if len(self._offsets) == 0 or self._offsets[-1] != len(self._data):
            raise ValueError("offsets must run from 0 to the number of bytes")
        self._data.flags.writeable = False
        self._offsets.flags.writeable = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> Strings:
        """The column of ``texts``.

        Raises:
            UnicodeEncodeError: a text holds a lone surrogate, which no UTF-8 file can.
        """
        if isinstance(texts, Strings):
            return texts
        encoded = [text.encode() for text in texts]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    @property
    def buffers(self) -> tuple[np.ndarray, np.ndarray]:
        """``data`` and ``offsets``, read only."""
        return self._data, self._offsets

    @property
    def nbytes(self) -> int:
        """Bytes of memory of the column."""
        return self._data.nbytes + self._offsets.nbytes

    def take(self, rows: object) -> Strings:
        """The strings at ``rows``: a slice, a mask (N,) or integer indices."""
        index = as_rows(rows, len(self))
        starts = self._offsets[index]
        counts = self._offsets[index + 1] - starts
        offsets = np.zeros(len(index) + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        return Strings(self._data[ranges(starts, counts)], offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice | np.ndarray) -> Strings: ...
    def __getitem__(self, index: Any) -> str | Strings:
        if not isinstance(index, (int, np.integer)):
            return self.take(index)
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        return self._data[self._offsets[row] : self._offsets[row + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        data, offsets = self._data.tobytes(), self._offsets.tolist()
        for start, end in zip(offsets[:-1], offsets[1:], strict=True):
            yield data[start:end].decode()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Strings):
            return np.array_equal(self._offsets, other._offsets) and np.array_equal(
                self._data, other._data
            )
        if isinstance(other, (list, tuple)):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(repr(self[i]) for i in range(min(3, len(self))))
        return f"Strings({len(self)}: {shown}{', …' if len(self) > 3 else ''})"

    def __reduce__(self) -> tuple:
        return Strings, (self._data, self._offsets)

    def __deepcopy__(self, memo: dict) -> Strings:
        return self
