"""Progress with the time left, on a terminal as a bar and elsewhere as plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


def track(
    items: Iterable[Item], total: int, what: str = "images", console: Console | None = None
) -> Iterator[Item]:
    """Yield ``items`` and report how many of ``total`` are done, on stderr unless told otherwise.

    The count grows by the length of items that are lists (batches), by one for others.
    """
    with counted(total, what, console) as advance:
        for item in items:
            yield item
            advance(len(item) if isinstance(item, list) else 1)


@contextmanager
def counted(
    total: int, what: str, console: Console | None = None
) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of things just finished, of ``total``."""
    console = console or Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)
    else:
        yield _Lines(total, what, console).advance


@contextmanager
def silent() -> Iterator[Callable[[int], None]]:
    """What ``counted`` gives, without a word."""
    yield lambda done: None


class _Lines:
    def __init__(self, total: int, what: str, console: Console) -> None:
        self.total, self.what, self.console = total, what, console
        self.done = 0
        self.began = self.said = time.monotonic()

    def advance(self, done: int) -> None:
        self.done += done
        now = time.monotonic()
        if self.done >= self.total or now - self.said >= SECONDS_BETWEEN_LINES:
            self.said = now
            left = (now - self.began) / max(self.done, 1) * max(self.total - self.done, 0)
            line = f"{self.what}: {self.done} of {self.total}, {left:.0f} s left"
            self.console.print(line, highlight=False)
