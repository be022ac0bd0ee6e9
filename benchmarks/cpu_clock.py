"""How much CPU time a training process needs for its pictures; for ``benchmarks/scaling.py``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mmdet.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fish_dataset.files import write_json

FILE = "cpu_{}.json"


@HOOKS.register_module()
class CpuClockHook(Hook):
    """Write the CPU seconds and pictures of each process, those of the first epoch left out.

    The first epoch builds kernels. Other work on the machine does not change CPU seconds much.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self.began, self.pictures = 0.0, 0

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin with the second epoch."""
        if runner.epoch == 1:
            self.began = time.process_time()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Count pictures."""
        if runner.epoch >= 1 and data_batch is not None:
            self.pictures += len(data_batch["inputs"])

    def after_train(self, runner: Runner) -> None:
        """Write what was counted."""
        seconds = time.process_time() - self.began
        path = Path(runner.work_dir) / FILE.format(get_rank())
        write_json(path, {"seconds": seconds, "pictures": self.pictures})
