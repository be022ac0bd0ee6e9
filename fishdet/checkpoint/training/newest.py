"""Which checkpoint of a work dir to go on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

from ..load import load_checkpoint
from ..safety.archive import check_sums, check_torch_zip, is_zip
from .saving import LAST, noted

NOTES = "exact_resume"
_PATTERNS = ("epoch_*.pth", "iter_*.pth", "interrupted_iter_*.pth")


def newest_good(work_dir: Path, since: float = 0.0) -> tuple[Path | None, list[str]]:
    """Return the newest training checkpoint whose check sums hold, and a line for each left out.

    Newest is by the time that the file itself gives, so a copied work dir keeps its order; a file
    without one counts by its modification time. Files written before ``since`` do not count.
    """
    skipped: list[str] = []
    dated: list[tuple[float, Path]] = []
    for path in training_checkpoints(work_dir, since):
        try:
            dated.append((_saved_at(path), path))
        except FishdetError as error:
            skipped.append(str(error))
    for _, path in sorted(dated, reverse=True):
        try:
            verify_checkpoint(path)
            return path, skipped
        except FishdetError as error:
            skipped.append(str(error))
    return None, skipped


def training_checkpoints(work_dir: Path, since: float = 0.0) -> list[Path]:
    """Return the files of a work dir that hold a whole training state, in no order.

    Args:
        work_dir: the folder.
        since: modification time in seconds; older files are another run's and left out.
    """
    found = {path for pattern in _PATTERNS for path in work_dir.glob(pattern)}
    last = noted(work_dir, LAST)
    if last is not None and last.resolve() not in {path.resolve() for path in found}:
        found.add(last)
    return sorted(path for path in found if path.stat().st_mtime >= since)


def verify_checkpoint(path: Path) -> None:
    """Read a training checkpoint once, against the CRC-32 of each of its entries.

    Raises:
        FishdetError: the file is cut short or altered, or no such file.
    """
    if not path.is_file() or not is_zip(path):
        raise FishdetError(f"{path}: no checkpoint, or cut short")
    check_torch_zip(path)
    check_sums(path)


def require_training_state(path: str | Path, checkpoint: dict[str, Any]) -> None:
    """Raise FishdetError if a checkpoint has weights only, as ``best_*.pth`` have."""
    missing = [key for key in ("optimizer", "message_hub", "meta") if key not in checkpoint]
    if missing:
        raise FishdetError(
            f"{path}: holds no {missing[0]!r} to go on from, only weights. Resume from an epoch_N "
            f"or interrupted_iter_N file, or start anew: --cfg-options load_from={path}"
        )


def _saved_at(path: Path) -> float:
    notes = load_checkpoint(path, mapped=True).get("meta", {}).get(NOTES, {})
    return float(notes.get("saved_at", path.stat().st_mtime))
