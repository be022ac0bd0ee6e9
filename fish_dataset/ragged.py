"""Index arithmetic of ragged columns (rows of different lengths laid end to end)."""

from __future__ import annotations

import numpy as np


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The indices ``start, …, start + count - 1`` of every row, end to end.

    Args:
        starts: (R,) int64, first index of each row.
        counts: (R,) int64, length of each row, at least 0.

    Returns:
        (sum of counts,) int64.
    """
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()), dtype=np.int64)


def as_rows(rows: object, length: int) -> np.ndarray:
    """Row indices from a slice, a boolean mask of ``length`` or a sequence of integers.

    Returns:
        (R,) int64, each in 0 … length - 1.

    Raises:
        IndexError: a row is out of range, or the mask has another length.
    """
    if isinstance(rows, slice):
        return np.arange(length, dtype=np.int64)[rows]
    index = np.asarray(rows)
    if index.dtype == bool:
        if index.shape != (length,):
            raise IndexError(f"mask of shape {index.shape} for {length} rows")
        return np.flatnonzero(index)
    index = index.astype(np.int64).reshape(-1)
    if index.size and (index.min() < -length or index.max() >= length):
        raise IndexError(f"row out of range for {length} rows")
    return np.where(index < 0, index + length, index)
