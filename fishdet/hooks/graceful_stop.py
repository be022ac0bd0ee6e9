"""Ctrl-C and SIGTERM leave a checkpoint that resumes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner

from fishdet.errors import FishdetError


class TrainingInterrupted(FishdetError):
    """The user, or the machine's scheduler, asked training to stop."""


@FUNCTIONS.register_module()
def own_process_group(worker_id: int) -> None:
    """Take a loader worker out of the reach of Ctrl-C and of ``timeout``.

    Both signal the whole process group. The main process stops in order and ends its workers
    itself; a worker that died first would end it with an error. ``worker_init_fn`` of loaders.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)


@HOOKS.register_module()
class GracefulStopHook(Hook):
    """Finish the iteration at hand, save, and stop.

    A signal that interrupts an optimizer step would leave half-updated weights, so the handler
    only takes a note; a second signal has its ordinary effect at once.
    """

    priority = "LOWEST"

    def __init__(self) -> None:
        self._asked: int | None = None
        self._previous: dict[int, Any] = {}

    def before_train(self, runner: Runner) -> None:
        """Install the handlers for the time of training."""
        self._asked = None
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)

    def after_train(self, runner: Runner) -> None:
        """Give the signals back."""
        self._restore()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Save and stop if asked; the loop's own counter moves on only after this hook."""
        if self._asked is not None:
            self._stop(runner, runner.iter + 1)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Stop during the validation after an epoch as well."""
        if self._asked is not None:
            self._stop(runner, runner.iter)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        self._restore()
        print(
            "\nStopping after this iteration, with a checkpoint; once more stops at once.",
            flush=True,
        )

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _stop(self, runner: Runner, iteration: int) -> None:
        self._asked = None
        name = f"interrupted_iter_{iteration}.pth"
        runner.save_checkpoint(
            runner.work_dir, name, meta={"epoch": runner.epoch, "iter": iteration}
        )
        path = Path(runner.work_dir) / name
        if is_main_process():
            for older in set(Path(runner.work_dir).glob("interrupted_iter_*.pth")) - {path}:
                older.unlink()
            (Path(runner.work_dir) / "last_checkpoint").write_text(str(path))
        raise TrainingInterrupted(
            f"training stopped at epoch {runner.epoch + 1}, iteration {iteration}; the state is in "
            f"{path}. Go on with the same command and --resume."
        )
