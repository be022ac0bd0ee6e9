"""Progress of drawing: a bar with time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_TEXT = "drawing the built-in data set"
_PAUSE = 10.0  # seconds between two lines where there is no terminal


@contextmanager
def counted(total: int, show: bool) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of pictures just finished, of ``total``."""
    console = Console(stderr=True)
    if not show:
        yield lambda done: None
    elif console.is_terminal:
        columns = (TextColumn(_TEXT), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(_TEXT, total=total)
            yield lambda done: bar.advance(task, done)
    else:
        yield _Lines(total, console).advance


class _Lines:
    def __init__(self, total: int, console: Console) -> None:
        self.total, self.done, self.console = total, 0, console
        self.began = self.told = time.monotonic()
        console.print(f"{_TEXT}: {total} pictures", highlight=False)

    def advance(self, done: int) -> None:
        self.done += done
        now = time.monotonic()
        if now - self.told >= _PAUSE or self.done >= self.total:
            self.told = now
            left = (now - self.began) / self.done * (self.total - self.done)
            line = f"{_TEXT}: {self.done} of {self.total}, {left:.0f} s left"
            self.console.print(line, highlight=False)
