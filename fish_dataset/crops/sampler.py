"""A sampler that shows rare species as often as common ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmdet.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from fish_dataset.errors import FishDataError


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(Sampler):
    """Draws each class with a chance of (its number of crops) ** (1 - balance).

    Within a class crops come in turn, in an order by chance, so that no crop is seen twice before
    each was seen once. An epoch is a pure function of seed and epoch, as resuming asks for.

    Args:
        dataset: has ``labels`` (n,).
        balance: 1 shows all classes equally often, 0 follows the data.
        length: crops an epoch in all processes; None for as many as there are.
        seed: None for one that all processes share.
        shuffle: for mmengine's interface; this sampler has no other order.

    Raises:
        FishDataError: ``balance`` out of its range, or a data set without labels.
    """

    def __init__(
        self,
        dataset: Any,
        balance: float = 1.0,
        length: int | None = None,
        seed: int | None = None,
        shuffle: bool = True,
    ) -> None:
        if not 0 <= balance <= 1:
            raise FishDataError(f"ClassBalancedSampler: balance={balance!r} is not from 0 to 1")
        if not hasattr(dataset, "labels"):
            raise FishDataError(
                f"ClassBalancedSampler: {type(dataset).__name__} has no labels; use FishCrops"
            )
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.balance = dataset, balance
        self.labels = np.asarray(dataset.labels)
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        total = length or len(self.labels)
        self.num_samples = -(-total // self.world_size)

    def __iter__(self) -> Iterator[int]:
        """Yield this process's crops of the epoch."""
        order = draw(
            self.labels, self.num_samples * self.world_size, self.balance, (self.seed, self.epoch)
        )
        return iter(order[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        """Return the number of crops of one process in an epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, before iterating."""
        self.epoch = epoch


def draw(labels: np.ndarray, count: int, balance: float, seed: tuple[int, int]) -> np.ndarray:
    """Return ``count`` rows of ``labels`` (n,), int64; see ``ClassBalancedSampler``."""
    rng = np.random.default_rng(list(seed))
    present, sizes = np.unique(labels, return_counts=True)
    chance = sizes.astype(np.float64) ** (1 - balance)
    drawn = rng.choice(len(present), count, p=chance / chance.sum())
    rows = np.empty(count, np.int64)
    for index, label in enumerate(present):
        places = np.flatnonzero(drawn == index)
        members = np.flatnonzero(labels == label)
        rounds = -(-len(places) // len(members))
        turns = [rng.permutation(members) for _ in range(rounds)]
        if turns:
            rows[places] = np.concatenate(turns)[: len(places)]
    return rows
