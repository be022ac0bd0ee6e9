"""Bootstrap and jackknife samples of groups of images, as weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.splits.grouping import Groups, find_groups, has_key

_MOST_BLOCKS = 200  # an acceleration needs no more leave-one-outs


def sampling_groups(annotations: Annotations, by: Sequence[str] | None = None) -> Groups:
    """What a resample keeps together: the video where images have one, else the site, else each
    image alone.

    Unlike a split, it does not guess a series from file names: names that only count upwards would
    make one group of everything.

    Args:
        annotations: N images.
        by: keys of ``fish_dataset.splits.grouping.find_groups`` in place of these.

    Raises:
        FishDataError: a group key that the images do not have.
    """
    known = next((key for key in ("video", "site") if has_key(annotations, key)), "image")
    return find_groups(annotations, by or (known,))


def bootstrap_weights(index: np.ndarray, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each image counts in each resample of as many groups as there are.

    Whole groups are drawn, since images of one video resemble each other: drawing images would
    take the tenth frame for new evidence.

    Args:
        index: (N,) group of each image, 0 … G - 1.
        resamples: B.
        seed: the same seed gives the same resamples, so that models are compared in pairs.

    Returns:
        (B, N) int32.
    """
    groups = int(index.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), resamples)
    return drawn.astype(np.int32)[:, index]


def jackknife_weights(index: np.ndarray, seed: int = 0) -> np.ndarray:
    """Weights that leave out one group after the other, or one of 200 random blocks of groups.

    Args:
        index: (N,) group of each image, 0 … G - 1.
        seed: of the blocks.

    Returns:
        (J, N) int32 of zeros and ones.
    """
    groups = int(index.max()) + 1
    blocks = np.arange(groups) % _MOST_BLOCKS
    np.random.default_rng(seed).shuffle(blocks)
    block = blocks[index]
    return (block != np.arange(min(groups, _MOST_BLOCKS))[:, None]).astype(np.int32)
