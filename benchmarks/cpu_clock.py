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
    """Write the CPU seconds and pictures of each process, from one iteration to the next.

    The first epoch, which builds kernels, and what comes between epochs (checkpoints, curves) are
    left out. Other work on the machine does not change CPU seconds much.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self.seconds, self.last, self.pictures = 0.0, 0.0, 0

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Add up what the iteration before and the loading of this batch took."""
        now = time.process_time()
        if runner.epoch >= 1 and batch_idx > 0 and data_batch is not None:
            self.seconds += now - self.last
            self.pictures += len(data_batch["inputs"])
        self.last = now

    def after_train(self, runner: Runner) -> None:
        """Write what was counted."""
        path = Path(runner.work_dir) / FILE.format(get_rank())
        write_json(path, {"seconds": self.seconds, "pictures": self.pictures})
