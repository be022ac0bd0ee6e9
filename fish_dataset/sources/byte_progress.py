"""Progress in bytes, with the time left: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from fish_dataset.progress import SECONDS_BETWEEN_LINES


@contextmanager
def bytes_counted(
    what: str, console: Console | None = None
) -> Iterator[Callable[[int, int | None], None]]:
    """A function to call with the bytes done so far and the bytes in all (None: not known)."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(what, console).advance
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    def __init__(self, what: str, console: Console) -> None:
        self.what, self.console = what, console
        self.began = self.said = time.monotonic()
        self.first: int | None = None
        self.finished = False

    def advance(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        self.first = done if self.first is None else self.first  # resumed: not this run's bytes
        last = done == total and not self.finished
        if not last and now - self.said < SECONDS_BETWEEN_LINES:
            return
        self.said, self.finished = now, self.finished or last
        line = f"{self.what}: {decimal(done)}"
        if total is not None:
            rate = max(done - self.first, 1) / max(now - self.began, 1e-9)
            line += f" of {decimal(total)}, {(total - done) / rate:.0f} s left"
        self.console.print(line, highlight=False, markup=False)
