"""Ctrl-C and SIGTERM leave a checkpoint that resumes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import BaseLoop, Runner

from fishdet.checkpoint.training.saving import LAST, note, noted
from fishdet.errors import FishdetError

STOPS = "interrupted_iter_*.pth"


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
    only takes a note; a second Ctrl-C has its ordinary effect at once. A second SIGTERM has none:
    a scheduler signals the whole job, and torchrun hands on what it was sent, so that one
    pre-emption reaches a process twice; what is to end at once gets SIGKILL. Several processes
    stop at the same iteration, the first at which any of them was asked to, and none while
    gradients wait for more to be accumulated.
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
        """Give the signals back, and remove what an earlier stop left: training is done."""
        self._restore()
        if not is_main_process():
            return
        for path in outlived(Path(runner.work_dir)):
            path.unlink()
            runner.logger.info(f"Removed {path.name}: training went on from it to its end.")

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Save and stop if asked; the loop's own counter moves on only after this hook."""
        if self._all_asked() and self._stepped(runner):
            self._stop(runner, runner.iter + 1)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Stop during the validation after an epoch as well, where one process is all there is.

        Several may have different numbers of pictures left and go on until they have none.
        """
        if self._asked is not None and get_world_size() == 1 and _trains(runner):
            for hook in runner.hooks:
                if isinstance(hook, EMAHook):  # the averaged weights stand in the network's place
                    hook.after_val_epoch(runner)
            self._stop(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Stop after it."""
        if _trains(runner) and self._all_asked():
            self._stop(runner, runner.iter)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            return
        self._asked = number
        again = ""
        if number == signal.SIGINT:
            signal.signal(number, self._previous.pop(number))
            again = "; once more stops at once"
        print(f"\nStopping after this iteration, with a checkpoint{again}.", flush=True)

    def _all_asked(self) -> bool:
        """Whether any process was asked, known to all of them."""
        asked = torch.tensor(int(self._asked is not None))
        if get_world_size() > 1:
            all_reduce(asked, op="max")
        return bool(asked)

    @staticmethod
    def _stepped(runner: Runner) -> bool:
        wrapper = runner.optim_wrapper
        return not isinstance(wrapper, OptimWrapper) or wrapper.should_update()

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
            note(path.parent, LAST, path)
            for older in set(path.parent.glob(STOPS)) - {path}:
                older.unlink()
        self._restore()
        raise TrainingInterrupted(
            f"training stopped at epoch {runner.epoch + 1}, iteration {iteration}; the state is in "
            f"{path}. Go on with the same command and --resume."
        )


def outlived(work_dir: Path) -> list[Path]:
    """Return the checkpoints of stops that a later checkpoint of the work dir makes needless."""
    last = noted(work_dir, LAST)
    stops = sorted(work_dir.glob(STOPS))
    return [] if last is None or last.name in {path.name for path in stops} else stops


def _trains(runner: Runner) -> bool:
    """Whether an evaluation is one of a training."""
    return isinstance(runner._train_loop, BaseLoop)
