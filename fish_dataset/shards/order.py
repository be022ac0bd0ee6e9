"""The order in which processes read shards: by seed, a few at a time, equally many pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmdet.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler

from fish_dataset.errors import FishDataError


def shard_order(shards: np.ndarray, window: int, key: tuple[int, int]) -> np.ndarray:
    """Return a permutation of the rows that needs only ``window`` shards at a time.

    Shards come in a drawn order, ``window`` of them mixed.

    Args:
        shards: (N,) the shard of each row.
        window: shards whose rows are mixed.
        key: seed and epoch.
    """
    generator = np.random.default_rng(key)
    numbers = generator.permutation(np.unique(shards))
    place = np.empty(int(shards.max()) + 1, np.int64)
    place[numbers] = np.arange(len(numbers)) // window
    # by window, within it by a drawn number
    return np.lexsort((generator.random(len(shards)), place[shards]))


@DATA_SAMPLERS.register_module()
class ShardSampler(DefaultSampler):
    """mmengine's ``DefaultSampler`` for a ``FishDataset`` with shards.

    Each process reads a run of the order without gaps, so that it needs the fewest shards; all
    have equally many pictures, the first of the order filling up the last (with ``round_up``, as
    there: else some have one less). The order follows from seed and epoch alone, so a run resumes
    inside an epoch as with any other sampler.

    Args:
        window: shards that are mixed.

    Raises:
        FishDataError: the data set has no shards.
    """

    def __init__(self, *args: Any, window: int = 4, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.window = window

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this process."""
        shards = shards_of(self.dataset)
        order = np.arange(len(shards))
        if self.shuffle:
            order = shard_order(shards, self.window, (int(self.seed), int(self.epoch)))
        if self.round_up:
            order = np.resize(order, self.total_size)
        yield from np.array_split(order, self.world_size)[self.rank].tolist()


def shards_of(dataset: Any) -> np.ndarray:
    """Return the shard of each picture of a data set, int32 (N,)."""
    shards = getattr(dataset, "picture_shards", None)
    if shards is None:
        raise FishDataError(
            "ShardSampler: the data set has no shards; give FishDataset shards=…, or take "
            "DefaultSampler"
        )
    return shards
