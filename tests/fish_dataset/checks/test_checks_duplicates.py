"""Near pairs against all pairs, and copies."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.checks.bits import different_bits
from fish_dataset.checks.duplicates import NEAR, NEIGHBOURS, first_of_same, near_pairs


def flipped(word: np.ndarray, bits: np.ndarray) -> np.ndarray:
    result = word.copy()
    for bit in bits:
        result[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return result


def test_bits_are_counted():
    one = np.array([[0, 0b1011], [2**64 - 1, 0]], dtype=np.uint64)
    assert different_bits(one, np.zeros_like(one)).tolist() == [3, 64]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), limit=st.integers(0, 23))
def test_pairs_are_those_of_comparing_all(seed, limit):
    """Every pair up to the limit is found once, whichever bits differ."""
    random = np.random.default_rng(seed)
    base = random.integers(0, 2**64, (12, 2), dtype=np.uint64)
    near = [flipped(w, random.choice(128, random.integers(0, 30), replace=False)) for w in base]
    hashes = random.permutation(np.concatenate([base, near]))
    order = random.permutation(len(hashes))
    pairs, bits = near_pairs(hashes, order, limit)
    expected = {
        frozenset((i, j))
        for i in range(len(hashes))
        for j in range(i)
        if different_bits(hashes[i : i + 1], hashes[j : j + 1])[0] <= limit
    }
    assert sorted(map(sorted, pairs.tolist())) == sorted(map(sorted, expected))
    assert (order[pairs[:, 0]] < order[pairs[:, 1]]).all()
    assert np.array_equal(bits, different_bits(hashes[pairs[:, 0]], hashes[pairs[:, 1]]))


def test_a_heap_of_equals_costs_no_square():
    """A fixed camera: every picture meets its neighbours by name, not all others."""
    count = 5000
    order = np.random.default_rng(0).permutation(count)
    pairs, bits = near_pairs(np.full((count, 2), 77, np.uint64), order)
    assert len(pairs) <= NEIGHBOURS * count and not bits.any()
    gaps = order[pairs[:, 1]] - order[pairs[:, 0]]
    assert gaps.min() == 1 and gaps.max() == NEIGHBOURS
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_a_heap_of_equals_takes_little_more_than_its_pairs():
    count = 20_000
    hashes = np.full((count, 2), 77, np.uint64)
    order = np.arange(count)
    tracemalloc.start()
    pairs, bits = near_pairs(hashes, order)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * (pairs.nbytes + bits.nbytes)


def test_small_inputs_and_limits():
    for count in (0, 1):
        pairs, bits = near_pairs(np.zeros((count, 2), np.uint64), np.arange(count))
        assert pairs.shape == (0, 2) and bits.shape == (0,)
    with pytest.raises(ValueError, match="limit 24"):
        near_pairs(np.zeros((2, 2), np.uint64), np.arange(2), 24)
    assert NEAR < 24


def test_copies_point_to_the_first():
    digests = np.random.default_rng(0).integers(0, 255, (4, 32), dtype=np.uint8)
    rows = digests[[0, 1, 0, 2, 1, 0, 3]]
    assert first_of_same(rows).tolist() == [0, 1, 0, 3, 1, 0, 6]
    assert first_of_same(np.zeros((0, 32), np.uint8)).tolist() == []
