"""How like a fish is to each species of a gallery, however many photos there are of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHARPNESS = 4.0
_AT_ONCE = 32  # queries, so that memory stays small beside a large gallery

Block = tuple[np.ndarray, np.ndarray]


def blocks_of(photos: np.ndarray, owner: np.ndarray) -> tuple[Block, ...]:
    """Return species by their number of photos: rows (s,) and their photos (s, n, D).

    Args:
        photos: (N, D), sorted by species.
        owner: (N,) ascending row of the species of each, 0 … S - 1.
    """
    counts = np.bincount(owner)
    starts = np.cumsum(counts) - counts
    blocks = []
    for count in np.unique(counts).tolist():
        alike = np.flatnonzero(counts == count)
        blocks.append((alike, photos[starts[alike][:, None] + np.arange(count)]))
    return tuple(blocks)


def likeness(
    queries: np.ndarray, blocks: Sequence[Block], sharpness: float = SHARPNESS
) -> np.ndarray:
    """Return (B, S) float32: the cosine of each query (B, D) with each species' photos together.

    Together they are one direction, their weighed mean: a photo weighs exp(sharpness · its cosine
    with the query), so that for a fish of one of several forms (male or female, young or old, one
    side or the other) the photos of that form count most. A mean direction is near the middle of a
    species whether it is made of five photos or of a hundred; the nearest photos are not: of a
    hundred, five are always near, and a species enrolled from five photos would lose to all that
    have more. Sharpness 0 gives prototypes (Snell, Swersky and Zemel, "Prototypical Networks for
    Few-shot Learning", NeurIPS 2017, arXiv:1703.05175); weights by the query are those of Vinyals
    et al., "Matching Networks for One Shot Learning" (NeurIPS 2016).

    Args:
        queries: of length 1.
        blocks: of ``blocks_of``.
        sharpness: of the weights; docs/identification.md has what was tried.
    """
    species = sum(len(alike) for alike, _ in blocks)
    found = np.empty((len(queries), species), np.float32)
    for start in range(0, len(queries), _AT_ONCE):
        some = queries[start : start + _AT_ONCE]
        for alike, photos in blocks:
            cosines = photos @ some.T  # (s, n, b)
            weights = np.exp(sharpness * (cosines - cosines.max(1, keepdims=True)))
            middle = np.matmul(weights.transpose(0, 2, 1), photos)  # (s, b, D)
            length = np.maximum(np.linalg.norm(middle, axis=-1), 1e-9)
            found[start : start + _AT_ONCE, alike] = ((weights * cosines).sum(1) / length).T
    return found
