"""A training that torchrun or SLURM starts anew goes on from its newest checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from fish_dataset.files import write_json

STARTED = ".started.json"


def restarted() -> bool:
    """Whether torchrun (``--max-restarts``) or SLURM (requeue) has started this training before.

    Both count in the environment: https://docs.pytorch.org/docs/stable/elastic/run.html and
    https://slurm.schedmd.com/sbatch.html (2026-11-28).
    """
    names = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
    return any(os.environ.get(name, "0").strip() not in ("", "0") for name in names)


def write_start(work_dir: Path) -> None:
    """Note that a training begins anew here: what is older than this note is another run's."""
    write_json(work_dir / STARTED, {"torchrun": os.environ.get("TORCHELASTIC_RUN_ID")})


def resume_since(work_dir: Path) -> float:
    """Return the modification time from which on checkpoints are this run's; 0 for any.

    A run that dies before its first checkpoint, in a work dir that another run has used, must
    begin anew and not go on from the other's.
    """
    note = work_dir / STARTED
    return note.stat().st_mtime if restarted() and note.is_file() else 0.0
