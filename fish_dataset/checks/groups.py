"""Pictures of one video, site or series on two sides of a split."""

from __future__ import annotations

import numpy as np

from fish_dataset.checks.bits import different_bits

ALIKE = 0.7
"""A series guessed from file names is believed to cross if, where it changes its split, pictures
one after the other differ in at most this share of the bits in which random pairs do (medians). Of
Aquarium's random pairs fewer than 1 in 100 are so much alike; DeepFish's frames lie at 0.03."""

_SAMPLE = 4000


def crossing(index: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Groups that stand in more than one split.

    Args:
        index: (N,) group of each picture, -1 for none.
        split: (N,) split of each picture.

    Returns:
        (G,) int64, ascending.
    """
    told = index >= 0
    pairs = np.unique(np.stack([index[told], split[told]], axis=1), axis=0)
    groups, counts = np.unique(pairs[:, 0], return_counts=True)
    return groups[counts > 1]


def random_bits(hashes: np.ndarray, usable: np.ndarray) -> float:
    """Median of the bits in which random pairs of usable pictures differ; NaN for fewer than two.

    Args:
        hashes: (N, 2) uint64.
        usable: (N,) bool, pictures whose hash says something.
    """
    rows = np.flatnonzero(usable)
    if len(rows) < 2:
        return float("nan")
    one, other = np.random.default_rng(0).choice(rows, (2, _SAMPLE))
    apart = one != other
    return float(np.median(different_bits(hashes[one[apart]], hashes[other[apart]])))


def borders(
    index: np.ndarray, split: np.ndarray, order: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Neighbours by name within a group that stand in different splits.

    Args:
        index: (N,) group of each picture.
        split: (N,) its split.
        order: (N,) its rank by name.
        usable: (N,) bool; other pictures are passed over.

    Returns:
        (P, 2) int64 rows, by group and name.
    """
    rows = np.lexsort((order, index))
    rows = rows[usable[rows]]
    before, after = rows[:-1], rows[1:]
    here = (index[before] == index[after]) & (split[before] != split[after])
    return np.stack([before[here], after[here]], axis=1)
