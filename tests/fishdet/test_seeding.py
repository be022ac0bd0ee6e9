"""Random numbers follow from the position alone."""

from __future__ import annotations

import pickle
import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from fishdet.seeding import SeededBatch, seed_loading, seed_streams


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_equal_keys_give_equal_numbers_and_others_none_of_them() -> None:
    seed_streams(5, 1, 7, 0)
    first = draws()
    seed_streams(5, 1, 7, 0)
    assert draws() == first
    seen = set(first)
    for key in [(5, 1, 7, 1), (5, 1, 8, 0), (5, 0, 7, 0), (6, 1, 7, 0), (1, 5, 7, 0)]:
        seed_streams(*key)
        assert not seen & set(draws()), key


def test_neighbours_are_not_alike() -> None:
    """A thousand iterations' first numbers spread evenly: no pattern of the seeding shows."""
    firsts = []
    for iteration in range(1000):
        seed_streams(0, 1, iteration, 0)
        firsts.append(draws())
    numbers = np.array(firsts)
    assert np.abs(numbers.mean(0) - 0.5).max() < 5 / np.sqrt(12 * 1000)
    lagged = [abs(np.corrcoef(column[1:], column[:-1])[0, 1]) for column in numbers.T]
    assert max(lagged) < 5 / np.sqrt(1000)


class Noisy(Dataset):
    """Each item is its index and a random number."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, sum(draws())


def batches(workers: int, start: int = 0) -> list[list[tuple[int, float]]]:
    order = [SeededBatch([2 * i, 2 * i + 1], (3, 0, 0, i, 0)) for i in range(3)][start:]
    loader = DataLoader(Noisy(), batch_sampler=order, num_workers=workers, collate_fn=list)
    seed_loading(loader)
    return list(loader)


def test_batches_are_the_same_whoever_loads_them_and_from_wherever() -> None:
    alone = batches(0)
    assert len({number for batch in alone for _, number in batch}) == 6
    assert batches(2) == alone
    assert batches(1, start=1) == alone[1:]


def test_a_batch_keeps_its_key_on_the_way_to_a_worker() -> None:
    arrived = pickle.loads(pickle.dumps(SeededBatch([4, 1], (1, 2, 3))))
    assert arrived == [4, 1] and arrived.key == (1, 2, 3)
