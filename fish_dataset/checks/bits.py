"""Counting of different bits (NumPy before 2.0 has no bitwise_count)."""

from __future__ import annotations

import numpy as np

_COUNTS = np.array([bin(value).count("1") for value in range(1 << 16)], dtype=np.uint8)


def bits_of(values: np.ndarray) -> np.ndarray:
    """Number of set bits of each of ``values``, 0 … 65535; uint8 of the same shape."""
    return _COUNTS[values]


def different_bits(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(P,) int64: bits in which the words (P, W) uint64 of each pair differ."""
    apart = np.ascontiguousarray(one ^ other).view(np.uint16)
    return _COUNTS[apart].sum(axis=1, dtype=np.int64)
