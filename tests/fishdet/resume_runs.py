"""Stop a training at a chosen moment and resume it; also one of several processes that do."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from fishdet.hooks import records
from fishdet.hooks.graceful_stop import GracefulStopHook, TrainingInterrupted
from fishdet.processes import leave_processes
from fishdet.training import TrainOptions, train


@contextmanager
def stopping(method: str, at: int) -> Iterator[None]:
    """Send SIGINT to this process before the ``at``-th call of a method of GracefulStopHook."""
    original, calls = getattr(GracefulStopHook, method), 0

    def spy(self: GracefulStopHook, runner: Runner, *args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGINT)
        original(self, runner, *args, **kwargs)

    setattr(GracefulStopHook, method, spy)
    try:
        yield
    finally:
        setattr(GracefulStopHook, method, original)


def train_anew(**options: Any) -> None:
    """Train; mmengine names log and history by the second, and two runs in one would share them."""
    time.sleep(1 - time.time() % 1)
    train(TrainOptions(**options))


def train_in_parts(
    options: Mapping[str, Any], method: str, at: int, changed: Mapping[str, Any] | None = None
) -> None:
    """Train, stop at a moment (``at`` 0: when another process does), resume to the end."""
    stopped = False
    with stopping(method, at):
        try:
            train_anew(**options)
        except TrainingInterrupted:
            stopped = True
    assert stopped, "the run ended before the moment at which it was to stop"
    train_anew(**{**options, **(changed or {}), "resume": "auto"})


def make_light() -> None:
    """Leave out what takes most of a tiny run's time: plots, and yapf's work on the config."""
    Config.pretty_text = property(lambda config: "")
    records.plot_curves = lambda rows, work_dir: None


def run_as_rank(options: dict[str, Any]) -> None:
    """One of two processes: the whole run, then one that the second process is asked to stop."""
    make_light()
    folder = Path(options.pop("folder"))
    options |= {key: Path(options[key]) for key in ("config", "data")}
    train_anew(**options, work_dir=folder / "whole")
    at = 2 if os.environ["RANK"] == "1" else 0
    train_in_parts({**options, "work_dir": folder / "parts"}, "after_train_iter", at)
    leave_processes()


if __name__ == "__main__":
    run_as_rank(json.loads(sys.argv[1]))
