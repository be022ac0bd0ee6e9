"""Files that are whole or not there, even where the machine dies while they are written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fishdet.errors import FishdetError

LAST, BEST = "last_checkpoint", "best_checkpoint"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class CheckpointNotWritten(FishdetError):
    """A checkpoint could not be written; what was there before is untouched."""


def write_durably(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a file beside ``path``, bring it to the disk, then put it in place.

    Without the two ``fsync`` a machine that loses power may keep the new name and lose the
    bytes: rename(2) orders names, not contents.

    Args:
        path: the file to replace, or to make.
        write: fills the path that it is given; it may raise what it likes.

    Raises:
        OSError: the disk is full, or fails; ``path`` is as it was then.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        write(partial)
        _sync(partial)
        os.replace(partial, path)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def save_durably(path: Path, write: Callable[[Path], None]) -> None:
    """``write_durably`` with an error for the user.

    Raises:
        CheckpointNotWritten: names the file and the reason.
    """
    try:
        write_durably(path, write)
    except OSError as error:
        raise CheckpointNotWritten(
            f"{path} cannot be written: {error.strerror or error}. What was there is untouched"
        ) from error


def note(work_dir: Path, name: str, checkpoint: str | Path) -> None:
    """Write the path of a checkpoint into ``last_checkpoint`` or ``best_checkpoint``.

    Raises:
        CheckpointNotWritten: as ``save_durably``.
    """
    save_durably(work_dir / name, lambda path: _write(path, str(checkpoint)))


def noted(work_dir: Path, name: str) -> Path | None:
    """Return the checkpoint that such a file names, or None where either is not there.

    The one beside the note comes first: the work dir may have been moved, or be a copy whose
    original goes on.
    """
    file = work_dir / name
    if not file.is_file():
        return None
    path = Path(file.read_text(encoding="utf-8").strip())
    return next((one for one in (work_dir / path.name, path) if one.is_file()), None)


def remove_partials(folder: Path) -> None:
    """Remove what a killed run had half written."""
    for path in folder.glob(".*.partial"):
        path.unlink(missing_ok=True)


@contextmanager
def explaining_full_disk(work_dir: Path) -> Iterator[None]:
    """Turn a full disk, met by a log or a plot, into an error for the user.

    Raises:
        FishdetError: says what is left and how to go on.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise FishdetError(
            f"{error.filename or work_dir}: {error.strerror}. Training stopped; the checkpoints in "
            f"{work_dir} are whole. Make room and go on with the same command and --resume."
        ) from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
