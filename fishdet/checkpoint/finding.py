"""Which file a folder stands for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fishdet.errors import FishdetError

from .published import SUFFIX, read_metadata
from .training.saving import BEST, LAST, noted

RUNS = Path("work_dirs")


def find_checkpoint(model: Path) -> Path:
    """Return the checkpoint that ``model`` names.

    That is itself, the best or else last of a work dir, or the newest published model of a folder.

    Raises:
        FishdetError: a folder without a checkpoint.
    """
    if not model.is_dir():
        return model
    found = next(_candidates(model), None)
    if found is None:
        raise FishdetError(
            f"{model}: no checkpoint in this folder (best_*.pth, last_checkpoint or *.safetensors)"
        )
    return found


def holds_checkpoint(folder: Path) -> bool:
    """Whether ``find_checkpoint`` would find one in this folder."""
    return folder.is_dir() and next(_candidates(folder), None) is not None


def newest_published(runs: Path = RUNS) -> Path:
    """Return the newest published model of the runs below a folder; broken ones are named.

    Looked at are ``RUN/*.safetensors`` and ``RUN/FOLDER/*.safetensors``; newest is by the time of
    the file.

    Raises:
        FishdetError: there is none.
    """
    found = [*runs.glob(f"*/*{SUFFIX}"), *runs.glob(f"*/*/*{SUFFIX}")]
    visible = [path for path in found if not any(part[0] == "." for part in path.parts)]
    for path in sorted(visible, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            read_metadata(path)
            return path
        except FishdetError as error:
            print(f"note: left out: {error}", file=sys.stderr)
    raise FishdetError(
        f"no model was named, and {runs.resolve()} holds no published one; train once (make train) "
        "or name a checkpoint, a work dir or a published model before the pictures"
    )


def _candidates(work_dir: Path) -> Iterator[Path]:
    best = sorted(work_dir.glob("best_*.pth"), key=lambda path: path.stat().st_mtime, reverse=True)
    last = noted(work_dir, LAST)
    yield from (path for path in (noted(work_dir, BEST), *best, last) if path is not None)
    published = work_dir.glob(f"*{SUFFIX}")
    yield from sorted(published, key=lambda path: path.stat().st_mtime, reverse=True)
