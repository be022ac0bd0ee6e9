"""Sorting detections by their scores: equal ones stay in the order given, as with pycocotools.

The bits of a float32 that is not negative rise with it, so that they can be sorted as a part of
one whole number, with a place or a group in the other half: NumPy sorts whole numbers by vector
instructions, several times as fast as it finds the stable order of floats.
"""

from __future__ import annotations

import numpy as np

_LOW = 0xFFFFFFFF  # the lower half of 64 bits


def best_first(scores: np.ndarray) -> np.ndarray:
    """(K,) int64 order from the best score down; equal scores stay in the order given.

    Args:
        scores: (K,) float32 or float64.
    """
    narrow = scores.astype(np.float32)
    if len(scores) > _LOW or not ((narrow == scores) & (narrow >= 0)).all():
        return np.argsort(-scores, kind="stable")
    keys = (_falling(narrow).astype(np.uint64) << np.uint64(32)) | np.arange(
        len(narrow), dtype=np.uint64
    )
    keys.sort()
    return (keys & np.uint64(_LOW)).astype(np.int64)


def best_of_groups(
    groups: np.ndarray, scores: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K,) of the ``limit`` best of each group, by group and falling score, and their places.

    Equal scores stay in the order given.

    Args:
        groups: (n,) int64, from 0.
        scores: (n,) float32 or float64, not negative.
        limit: at least 1.
    """
    order = _by_group_and_score(groups, scores)
    group = groups[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(first, append=len(group))
    rank = np.arange(len(group)) - np.repeat(first, sizes)
    near = rank < limit
    return order[near], rank[near]


def _by_group_and_score(groups: np.ndarray, scores: np.ndarray) -> np.ndarray:
    if scores.dtype == np.float32 and groups.max(initial=0) < 1 << 31:
        return np.argsort((groups.astype(np.int64) << 32) | _falling(scores), kind="stable")
    falling = np.argsort(-scores, kind="stable")
    return falling[np.argsort(groups[falling], kind="stable")]


def _falling(scores: np.ndarray) -> np.ndarray:
    """(K,) uint32 that fall as scores, float32 and not negative, rise."""
    return _LOW - np.ascontiguousarray(scores + np.float32(0)).view(np.uint32)  # no -0
