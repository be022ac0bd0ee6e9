"""Time and peak memory of named stages that call one another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import record_function

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Stage:
    """What one stage took so far; a stage that calls another does not count the other's.

    Attributes:
        calls: how often it was entered.
        seconds: of its own.
        peak: bytes held at most while it ran; 0 where memory is not watched.
    """

    calls: int = 0
    seconds: float = 0.0
    peak: int = 0


class StageClock:
    """Counts stages while it is used; the names nest as the calls do.

    Args:
        memory: watch memory in place of time. Asking the system at each border costs more than
            many a stage takes, so that the two are counted in passes of their own.
        device: on CUDA a border waits until the GPU has done what it was given.
    """

    def __init__(self, *, memory: bool = False, device: str = "cpu") -> None:
        self.stages: dict[str, Stage] = {}
        self.memory, self.cuda = memory, device.startswith("cuda")
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what runs inside as ``name``."""
        self._border()
        self._open.append(name)
        self.stages.setdefault(name, Stage()).calls += 1
        try:
            with record_function(f"stage: {name}"):
                yield
                self._border()
        finally:
            self._open.pop()
            self._since = time.perf_counter()

    def wrapped(self, name: str, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``run`` that counts as ``name`` whenever it is called."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return run(*args, **kwargs)

        return counted

    def _border(self) -> None:
        """Write what has passed since the last border to the stage that runs."""
        if self.cuda:
            torch.cuda.synchronize()
        if self._open:
            stage = self.stages[self._open[-1]]
            stage.seconds += time.perf_counter() - self._since
            if self.memory:
                stage.peak = max(stage.peak, self._peak())
        elif self.memory:
            self._peak()
        self._since = time.perf_counter()

    def _peak(self) -> int:
        """Return the most bytes that were held since the last call."""
        if self.cuda:
            peak = torch.cuda.max_memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            return peak
        return peak_of_process()


def peak_of_process() -> int:
    """Return the most bytes that this process held since the last call; 0 where none can tell.

    Linux keeps the peak (VmHWM) and begins anew when 5 is written into clear_refs:
    https://docs.kernel.org/filesystems/proc.html (2026-11-28).
    """
    try:
        lines = _STATUS.read_text().splitlines()
        peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        _RESET.write_text("5")
    except (OSError, StopIteration, ValueError):
        return 0
    return peak
