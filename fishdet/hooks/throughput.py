"""How fast each process trains, and how much of the time it waits for data."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class ThroughputHook(Hook):
    """Log pictures a second and the share of time spent waiting for data, for each process.

    One line every ``interval`` iterations, and scalars for the visual backends (``throughput/…``).
    The first iteration after a start or a break (an evaluation) does not count: it pays for
    starting workers and building kernels. On CUDA the peak memory and the utilisation at that
    moment are added; the latter needs the package nvidia-ml-py.

    Args:
        interval: iterations between two lines.
    """

    priority = "VERY_LOW"

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval
        self._ended: float | None = None
        self._waited = 0.0
        self._forget()

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin anew: what an evaluation took is no part of it."""
        self._ended = None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Note how long the batch was waited for."""
        if self._ended is not None:
            self._waited = time.perf_counter() - self._ended

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Add the iteration up, and tell where it is time to."""
        now = time.perf_counter()
        if self._ended is not None:
            self.seconds += now - self._ended
            self.waiting += self._waited
            self.pictures += _pictures(data_batch)
        self._ended = now
        if self.every_n_train_iters(runner, self.interval):
            self._tell(runner)

    def _tell(self, runner: Runner) -> None:
        rows = all_gather_object((self.pictures, self.seconds, self.waiting, *gpu_state()))
        self._forget()
        self._ended = time.perf_counter()  # the others have been waited for: not the data's fault
        if is_main_process() and min(row[1] for row in rows) > 0:
            runner.logger.info(describe(rows))
            runner.visualizer.add_scalars(scalars(rows), step=runner.iter + 1)

    def _forget(self) -> None:
        self.pictures, self.seconds, self.waiting = 0, 0.0, 0.0


Row = tuple[int, float, float, float, float]  # pictures, seconds, waiting, GiB, utilisation in %


def describe(rows: Sequence[Row]) -> str:
    """Return the line for the log: the sum over processes, and each where there are several."""
    rates = [row[0] / row[1] for row in rows]
    shares = [100 * row[2] / row[1] for row in rows]
    text = f"{sum(rates):.2f} pictures/s, {max(shares):.0f} % of the time waiting for data"
    if len(rows) > 1:
        each = ", ".join(f"{r:.2f} ({s:.0f} %)" for r, s in zip(rates, shares, strict=True))
        text += f" at most; by process: {each}"
    if not math.isnan(rows[0][3]):
        text += f"; GPU memory {max(row[3] for row in rows):.1f} GiB"
    if not math.isnan(rows[0][4]):
        text += f"; GPU utilisation {', '.join(f'{row[4]:.0f} %' for row in rows)}"
    return text


def scalars(rows: Sequence[Row]) -> dict[str, float]:
    """Return the same for visual backends."""
    found = {
        "throughput/pictures_per_second": sum(row[0] / row[1] for row in rows),
        "throughput/data_wait_share": max(row[2] / row[1] for row in rows),
        "throughput/gpu_memory_gib": max(row[3] for row in rows),
        "throughput/gpu_utilisation": min(row[4] for row in rows),
    }
    if len(rows) > 1:
        for rank, row in enumerate(rows):
            found[f"throughput/pictures_per_second_{rank}"] = row[0] / row[1]
            found[f"throughput/data_wait_share_{rank}"] = row[2] / row[1]
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _pictures(data_batch: Any) -> int:
    return len(data_batch["inputs"]) if isinstance(data_batch, dict) else 0


def gpu_state() -> tuple[float, float]:
    """Return peak memory in GiB and utilisation in percent; NaN where unknown."""
    if not torch.cuda.is_available():
        return math.nan, math.nan
    memory = torch.cuda.max_memory_allocated() / 2**30
    try:
        return memory, float(torch.cuda.utilization())
    except Exception:  # no nvidia-ml-py; its NVMLError where a part of a GPU (MIG) has no figure
        return memory, math.nan
