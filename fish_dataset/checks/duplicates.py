"""Copies and near copies among pictures, without comparing each with each."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fish_dataset.checks.bits import bits_of, different_bits

NEAR = 20
"""Of 128 bits. On Aquarium's 575 photos (165,025 pairs) all 12 pairs at up to 20 bits are shots of
one scene moments apart, and so are the 12 more up to 24; half of all pairs differ in more than 64.
DeepFish's frames one after the other differ in 1 bit at the median and in 6 at the 95th percentile.
"""

NEIGHBOURS = 16
"""In large heaps of alike pictures (a fixed camera) each is compared with the 16 nearest by name:
without a limit the pairs of 100,000 frames of one scene would be five billion."""

_BAND = 16  # bits
_FLIPS = 2  # 8 bands, at most 20 bits: in some band at most 2 differ
_RANK_BITS = 40
_BLOCK = 1 << 15  # pairs at once: heaps of equal pictures give 16 a picture, for each band


def first_of_same(digests: np.ndarray) -> np.ndarray:
    """The first row that holds the same digest.

    Args:
        digests: (N, 32) uint8.

    Returns:
        (N,) int64; a row of its own where nothing before it is the same.
    """
    if not len(digests):
        return np.zeros(0, dtype=np.int64)
    keys = np.ascontiguousarray(digests).view("V32").reshape(-1)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)


def near_pairs(
    hashes: np.ndarray, order: np.ndarray, limit: int = NEAR
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of pictures whose hashes differ in few bits.

    Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012,
    https://www.cs.toronto.edu/~norouzi/research/mih, read 2026-11-25): two words of 128 bits that
    differ in at most 23 differ in at most 2 within one of 8 bands of 16 bits, so each word is
    looked up in 8 tables under every key that is at most 2 bits away. Time grows as N log N.

    Args:
        hashes: (N, 2) uint64.
        order: (N,) rank of each picture by name, unique: which ones are compared first in a heap
            (see ``NEIGHBOURS``).
        limit: Bits, at most 23.

    Returns:
        (P, 2) int64 rows, the first one lower in ``order``, each pair once; (P,) int64 bits.

    Raises:
        ValueError: ``limit`` is above what the tables find.
    """
    bands = 128 // _BAND
    if limit >= bands * (_FLIPS + 1):
        raise ValueError(f"limit {limit}: the tables find pairs of up to {bands * 3 - 1} bits")
    by_order = np.argsort(order, kind="stable")
    words = np.ascontiguousarray(hashes[by_order])
    keys = words.view(np.uint16).reshape(len(words), bands).astype(np.int64)
    found = [_pairs_of_band(words, keys, band, limit) for band in range(bands)]
    pairs = np.concatenate([pair for pair, _ in found])
    return by_order[pairs], np.concatenate([bits for _, bits in found])


def _pairs_of_band(
    words: np.ndarray, keys: np.ndarray, band: int, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs whose first band with at most ``_FLIPS`` different bits is ``band``."""
    table = (keys[:, band] << _RANK_BITS) | np.arange(len(keys))
    table.sort()
    pairs: list[np.ndarray] = [np.zeros((0, 2), np.int64)]
    bits: list[np.ndarray] = [np.zeros(0, np.int64)]
    for mask in _masks():
        lefts, rights = _lookup(table, keys[:, band], mask)
        for start in range(0, len(lefts), _BLOCK):
            left, right = lefts[start : start + _BLOCK], rights[start : start + _BLOCK]
            apart = different_bits(words[left], words[right])
            near = np.flatnonzero(apart <= limit)
            earlier = bits_of(keys[left[near], :band] ^ keys[right[near], :band])
            near = near[(earlier > _FLIPS).all(axis=1)]
            pairs.append(np.stack([left[near], right[near]], axis=1))
            bits.append(apart[near])
    return np.concatenate(pairs), np.concatenate(bits)


def _masks() -> list[int]:
    """All 16-bit numbers with at most ``_FLIPS`` bits."""
    return [
        sum(1 << bit for bit in chosen)
        for flips in range(_FLIPS + 1)
        for chosen in combinations(range(_BAND), flips)
    ]


def _lookup(table: np.ndarray, keys: np.ndarray, mask: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs left < right whose keys differ by ``mask``: each row with the nearest after it."""
    rows: np.ndarray = np.arange(len(keys))
    wanted = keys ^ mask
    place = np.searchsorted(table, (wanted << _RANK_BITS) | (rows + 1))
    lefts, rights = [], []
    for _ in range(NEIGHBOURS):
        inside = place < len(table)
        rows, wanted, place = rows[inside], wanted[inside], place[inside]
        hit = table[place] >> _RANK_BITS == wanted
        rows, wanted, place = rows[hit], wanted[hit], place[hit]
        if not len(rows):
            break
        lefts.append(rows)
        rights.append(table[place] & ((1 << _RANK_BITS) - 1))
        place = place + 1
    empty = [np.zeros(0, np.int64)]
    return np.concatenate(lefts or empty), np.concatenate(rights or empty)
