"""What the thread with the network takes together, and what it does first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import torch

from fishdet.errors import FishdetError
from fishdet.service.threads import alone, wait_briefly
from fishdet.service.worker import Worker

TASKS = Path("/proc/self/task")


class Held:
    """A network that waits at its first picture until told, and notes each batch by its values."""

    def __init__(self, batch_size: int = 4) -> None:
        self.free, self.batches = threading.Event(), list[list[int]]()
        self.worker: Worker[int] = Worker(self._find, batch_size)
        self.worker.start()
        self.jobs: list[Future[int]] = []
        self.give(0, 9)
        while not self.jobs[0].running():
            pass

    def give(self, value: int, height: int) -> None:
        self.jobs.append(self.worker.submit(np.full((height, 4, 3), value, np.uint8)))

    def end(self) -> list[list[int]]:
        self.free.set()
        assert [job.result(20) for job in self.jobs if not job.cancelled()] == [
            n for n, job in enumerate(self.jobs) if not job.cancelled()
        ]
        self.worker.stop()
        return self.batches

    def _find(self, images: Sequence[np.ndarray]) -> list[int]:
        assert self.free.wait(20)
        self.batches.append([int(image[0, 0, 0]) for image in images])
        return self.batches[-1]


def test_a_batch_is_of_one_size_and_nobody_is_forgotten() -> None:
    """Upright and lying photos in turns; the longest waiting goes first."""
    held = Held()
    for value in range(1, 10):
        held.give(value, 5 + value % 2)
    assert held.end() == [[0], [1, 3, 5, 7], [2, 4, 6, 8], [9]]


def test_cancelled_pictures_take_no_place() -> None:
    held = Held(batch_size=2)
    for value in range(1, 6):
        held.give(value, 5)
    assert held.jobs[1].cancel() and held.jobs[3].cancel()
    assert held.end() == [[0], [2, 4], [5]]


def test_all_that_waits_is_answered_before_the_end() -> None:
    held = Held(batch_size=2)
    for value in range(1, 6):
        held.give(value, 5 + value % 2)
    threading.Timer(0.1, held.free.set).start()
    held.worker.stop()
    assert all(job.done() for job in held.jobs) and not held.worker.alive


def test_the_thread_is_prepared_before_start_returns() -> None:
    done: list[str] = []
    worker: Worker[int] = Worker(
        lambda images: [1] * len(images), 4,
        prepare=lambda: done.append(threading.current_thread().name),
    )  # fmt: skip
    worker.start()
    worker.start()  # has begun: nothing happens twice
    assert done == ["fishdet-worker"] and worker.alive
    worker.stop()


def test_who_starts_is_told_why_it_cannot_be_prepared() -> None:
    def broken() -> None:
        raise FishdetError("no memory for a picture")

    with pytest.raises(FishdetError, match="no memory"):
        Worker[int](lambda images: [], 4, prepare=broken).start()


@pytest.mark.skipif(not TASKS.is_dir(), reason="threads are counted in /proc, which is Linux")
def test_what_is_loaded_alone_leaves_no_helpers() -> None:
    helpers: list[int] = []

    def load() -> None:
        before = len(list(TASKS.iterdir()))
        with alone():
            torch.rand(1000, 1000).mul(2)
            helpers.append(len(list(TASKS.iterdir())) - before)
        torch.rand(1000, 1000).mul(2)
        helpers.append(len(list(TASKS.iterdir())) - before)

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        thread = threading.Thread(target=load)
        thread.start()
        thread.join()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert helpers == [0, 1]


def test_who_says_how_long_to_wait_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ({}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(said)
        monkeypatch.setattr("os.environ", environment)
        wait_briefly()
        assert environment == (said or {"GOMP_SPINCOUNT": "10000"})
