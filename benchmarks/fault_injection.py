"""Faults that ``benchmarks/faults.py`` lets happen inside a training process."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmdet.registry import HOOKS, TRANSFORMS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

HANG = 3600
FILLER = "filler"


@HOOKS.register_module()
class FaultHook(Hook):
    """Let something happen in one process before an iteration.

    Args:
        kind: 'kill', 'stop', 'nan', 'term_all', 'term_agent', 'full_disk' (the one of the work
            dir, to its last byte), 'spoil'.
        rank: the process.
        iteration: counted from 1.
        note: a file; where it is there, the fault has happened and does not come again.
        path: a picture to spoil; it is kept beside as ``….kept``.
    """

    priority = "VERY_HIGH"

    def __init__(
        self, kind: str, rank: int, iteration: int, note: str, path: str | None = None
    ) -> None:
        self.kind, self.rank, self.iteration, self.note = kind, rank, iteration, Path(note)
        self.path = Path(path) if path else None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Let it happen."""
        here = runner.iter + 1 == self.iteration and get_rank() == self.rank
        if not here or self.note.exists():
            return
        self.note.touch()
        if self.kind == "nan":
            wrapper, update = runner.optim_wrapper, runner.optim_wrapper.update_params
            wrapper.update_params = lambda loss: update(loss * float("nan"))
        elif self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.kind == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.kind == "term_agent":
            os.kill(os.getppid(), signal.SIGTERM)
        elif self.kind == "term_all":  # what SLURM does: everybody, and torchrun hands it on
            for process in (os.getppid(), *children(os.getppid())):
                os.kill(process, signal.SIGTERM)
        elif self.kind == "full_disk":
            fill(Path(runner.work_dir) / FILLER)
        elif self.kind == "spoil" and self.path is not None:
            self.path.with_suffix(".kept").write_bytes(self.path.read_bytes())
            self.path.write_bytes(b"no picture any more")


def fill(path: Path) -> None:
    """Write zeros until the disk has no byte left."""
    for size in (2**20, 4096, 1):
        with path.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(size))


def children(process: int) -> list[int]:
    """Return the numbers of a process's children."""
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@TRANSFORMS.register_module()
class HangOnce:
    """A loader worker that does not come back from the second look at one picture; once.

    Args:
        file_name: of the picture.
        note: as ``FaultHook``'s.
    """

    def __init__(self, file_name: str, note: str) -> None:
        self.file_name, self.note = file_name, Path(note)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Hang, or hand the picture on."""
        if Path(results["img_path"]).name == self.file_name and not self.note.exists():
            first = self.note.with_suffix(".first")
            if first.exists():
                self.note.touch()
                time.sleep(HANG)
            first.touch()
        return results
