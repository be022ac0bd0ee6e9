"""One thread with the network, a bounded number of pictures waiting, and micro-batches.

The network runs in one thread, since two would only share the same cores or the same GPU. While it
works, pictures gather, and the next batch takes what waits: batches grow under load and cost a
lone request no waiting.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import cv2
import numpy as np

from fishdet.errors import FishdetError

Found = TypeVar("Found")
LOG = logging.getLogger("fishdet.service")
# What a network raises on a picture that it cannot digest, out of memory included.
FAILURES = (FishdetError, RuntimeError, ValueError, LookupError, TypeError, AttributeError,
            AssertionError, ArithmeticError, MemoryError, OSError, cv2.error)  # fmt: skip


class Full(Exception):
    """No more pictures fit in."""


class Gate:
    """Counts the pictures and pixels inside the service, and lets no more in than are allowed.

    Args:
        images: pictures at once.
        pixels: of them together.
    """

    def __init__(self, images: int, pixels: int) -> None:
        self._most = (images, pixels)
        self._lock = threading.Lock()
        self.images = self.pixels = 0

    @contextmanager
    def admit(self, images: int, pixels: int) -> Iterator[None]:
        """Count pictures in while the block runs.

        Raises:
            Full: they would be too many.
        """
        with self._lock:
            if self.images + images > self._most[0] or self.pixels + pixels > self._most[1]:
                raise Full
            self.images, self.pixels = self.images + images, self.pixels + pixels
        try:
            yield
        finally:
            with self._lock:
                self.images, self.pixels = self.images - images, self.pixels - pixels


@dataclass
class _Job(Generic[Found]):
    image: np.ndarray
    future: Future[Found] = field(default_factory=Future)


@dataclass
class _Call:
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class Worker(Generic[Found]):
    """Answers pictures, and calls that need the network for themselves, in the order they came.

    Args:
        find: the network: pictures uint8 BGR (H, W, 3) → what was found on each.
        batch_size: pictures of one call, at most.
        observe: is told the size of each batch.
    """

    def __init__(
        self,
        find: Callable[[Sequence[np.ndarray]], Sequence[Found]],
        batch_size: int,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._find, self._batch_size, self._observe = find, batch_size, observe
        self._queue: queue.SimpleQueue[_Job[Found] | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fishdet-worker", daemon=True)
        self._stopping = False
        self._next: _Call | None = None

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Answer what waits, then end; gives up after ``timeout_s``."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether pictures are answered."""
        return self._thread.is_alive() and not self._stopping

    def submit(self, image: np.ndarray) -> Future[Found]:
        """Return the answer to come; a future that is cancelled in time is never looked at."""
        job: _Job[Found] = _Job(image)
        self._queue.put(job)
        return job.future

    def call(self, work: Callable[[], Any]) -> Future[Any]:
        """Return what ``work`` will return; nothing else uses the network while it runs."""
        call = _Call(work)
        self._queue.put(call)
        return call.future

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            if isinstance(first, _Call):
                self._do(first)
                continue
            jobs = [job for job in self._gather(first) if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._answer(jobs)
            if self._next is not None:
                call, self._next = self._next, None
                self._do(call)

    def _do(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            call.future.set_result(call.work())
        except FAILURES as error:
            LOG.error("a call of the network failed", exc_info=error)
            call.future.set_exception(error)

    def _gather(self, first: _Job[Found]) -> list[_Job[Found]]:
        batch = [first]
        while len(batch) < self._batch_size:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)
                break
            if isinstance(job, _Call):
                self._next = job
                break
            batch.append(job)
        return batch

    def _answer(self, jobs: list[_Job[Found]]) -> None:
        self._observe(len(jobs))
        try:
            found = self._find([job.image for job in jobs])
        except FAILURES as error:
            self._answer_alone(jobs, error)
            return
        for job, one in zip(jobs, found, strict=True):
            job.future.set_result(one)

    def _answer_alone(self, jobs: list[_Job[Found]], error: BaseException) -> None:
        """One bad picture must not cost its neighbours their answer."""
        if len(jobs) == 1:
            LOG.error("the network failed on %s", jobs[0].image.shape, exc_info=error)
            jobs[0].future.set_exception(error)
            return
        for job in jobs:
            self._answer([job])
