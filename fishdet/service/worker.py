"""One thread with the network, a bounded number of pictures waiting, and micro-batches.

The network runs in one thread, since two would only share the same cores or the same GPU. While it
works, pictures gather, and the next batch takes what waits: batches grow under load and cost a
lone request no waiting. A network looks at pictures of one size together and at others apart, so a
batch is the picture that waits longest and those of its size.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
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
        observe: is told the size of each batch and the seconds that the network took for it.
        prepare: what the thread does first, such as a first picture, which costs seconds.
    """

    def __init__(
        self,
        find: Callable[[Sequence[np.ndarray]], Sequence[Found]],
        batch_size: int,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self._find, self._batch_size, self._observe = find, batch_size, observe
        self._queue: queue.SimpleQueue[_Job[Found] | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fishdet-worker", daemon=True)
        self._stopping = self._told_to_stop = False
        self._waiting: deque[_Job[Found] | _Call] = deque()  # of the thread alone
        self._prepare, self._prepared = prepare, Future[None]()

    def start(self) -> None:
        """Begin to work, unless it has begun; returns when the thread is prepared, and raises what
        ``prepare`` raised."""
        if not self._thread.is_alive():
            self._thread.start()
        self._prepared.result()

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
        try:
            self._prepare()
        except BaseException as error:
            self._prepared.set_exception(error)
            return
        self._prepared.set_result(None)
        while self._take_in():
            first = self._waiting.popleft()
            if isinstance(first, _Call):
                self._do(first)
                continue
            if first.future.cancelled():
                continue
            jobs = [job for job in self._alike(first) if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._answer(jobs)

    def _take_in(self) -> bool:
        """Move what has come to what waits; False where nothing is left to do."""
        while not self._told_to_stop:
            try:
                one = self._queue.get(block=not self._waiting)
            except queue.Empty:
                break
            if one is None:
                self._told_to_stop = True
            else:
                self._waiting.append(one)
        return bool(self._waiting)

    def _do(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            call.future.set_result(call.work())
        except FAILURES as error:
            LOG.error("a call of the network failed", exc_info=error)
            call.future.set_exception(error)

    def _alike(self, first: _Job[Found]) -> list[_Job[Found]]:
        """Take the pictures of the first one's size from those that wait, up to a batch; a call
        lets nothing past that came later."""
        batch, passed = [first], deque[_Job[Found] | _Call]()
        while self._waiting and len(batch) < self._batch_size:
            job = self._waiting[0]
            if isinstance(job, _Call):
                break
            self._waiting.popleft()
            if job.future.cancelled():
                continue
            same = job.image.shape == first.image.shape
            (batch if same else passed).append(job)
        self._waiting.extendleft(reversed(passed))
        return batch

    def _answer(self, jobs: list[_Job[Found]]) -> None:
        try:
            found = self._look([job.image for job in jobs])
        except FAILURES as error:
            self._answer_alone(jobs, error)
            return
        for job, one in zip(jobs, found, strict=True):
            job.future.set_result(one)

    def _look(self, images: Sequence[np.ndarray]) -> Sequence[Found]:
        began = time.perf_counter()
        try:
            return self._find(images)
        finally:
            self._observe(len(images), time.perf_counter() - began)

    def _answer_alone(self, jobs: list[_Job[Found]], error: BaseException) -> None:
        """One bad picture must not cost its neighbours their answer."""
        if len(jobs) == 1:
            LOG.error("the network failed on %s", jobs[0].image.shape, exc_info=error)
            jobs[0].future.set_exception(error)
            return
        for job in jobs:
            self._answer([job])
