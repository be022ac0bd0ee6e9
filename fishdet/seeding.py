"""Random numbers that follow from where training stands, not from what was drawn before.

Each batch is loaded, and each iteration run, with generators seeded anew from the run's seed and
the position. A run that goes on from a checkpoint therefore draws what the undisturbed one would
have drawn: nothing has to be saved, and neither the number of loader workers nor what a hook drew
in between matters. The mixing is NumPy's ``SeedSequence``, made for streams of this kind
(https://numpy.org/doc/stable/reference/random/bit_generators/generated/numpy.random.SeedSequence.html,
2026-11-25).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

LOADING, ITERATION, VALIDATION = range(3)


def seed_streams(*key: int) -> None:
    """Seed Python's, NumPy's and torch's (CPU and CUDA) generators from whole numbers ≥ 0."""
    words = np.random.SeedSequence(key).generate_state(6, np.uint32)
    random.seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(words[2:4])
    number = int(words[4]) << 31 | int(words[5]) >> 1
    # torch.manual_seed would note the whole call stack for a CUDA that may start later
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)


class SeededBatch(list[int]):
    """The indices of one batch, with the key that its random numbers follow from.

    It travels to the loader worker as it is, so that a batch looks the same whichever loads it.
    """

    key: tuple[int, ...]

    def __init__(self, indices: Iterable[int], key: tuple[int, ...]) -> None:
        super().__init__(indices)
        self.key = key


def seed_loading(loader: DataLoader) -> None:
    """Let the loader's data set seed the generators with each ``SeededBatch`` that it loads.

    torch's fetcher asks a data set for a whole batch where it has ``__getitems__``
    (https://docs.pytorch.org/docs/stable/data.html, 2026-11-25). An attribute of the one object
    serves any class of data set, where a wrapper would hide it from hooks that change its
    pipeline.
    """
    dataset: Any = loader.dataset
    own = getattr(dataset, "__getitems__", None)
    dataset.__getitems__ = partial(_load, dataset, own)


def _load(dataset: Any, own: Callable[[list[int]], list[Any]] | None, batch: list[int]) -> Any:
    if isinstance(batch, SeededBatch):
        seed_streams(*batch.key)
    return own(batch) if own is not None else [dataset[index] for index in batch]
