"""Progress with the time left, on a terminal as a bar and elsewhere as plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


def track(
    items: Iterable[Item], total: int, console: Console, what: str = "images"
) -> Iterator[Item]:
    """Yield ``items`` and report how many of ``total`` are done.

    The count grows by the length of items that have one (batches), by one for others.
    """
    if console.is_terminal:
        yield from _bar(items, total, console, what)
    else:
        yield from _lines(items, total, console, what)


def _bar(items: Iterable[Item], total: int, console: Console, what: str) -> Iterator[Item]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task, _count(item))


def _lines(items: Iterable[Item], total: int, console: Console, what: str) -> Iterator[Item]:
    started = said = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += _count(item)
        now = time.monotonic()
        if done >= total or now - said >= SECONDS_BETWEEN_LINES:
            said = now
            left = (now - started) / done * (total - done)
            console.print(f"{done}/{total} {what}, {left:.0f} s left", highlight=False)


def _count(item: object) -> int:
    return len(item) if isinstance(item, list) else 1
