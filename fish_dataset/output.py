"""Folders that reports are written into."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from fish_dataset.errors import FishDataError

_UNSAFE = re.compile(r"[^\w.]+")


def default_folder(kind: str, data_dir: str | os.PathLike) -> Path:
    """Where reports on a data folder go unless told otherwise: ``work_dirs/<kind>/<name>``.

    The name holds the folder's own and its parent's, which tell a reader what it is; two folders
    called 'reef/fish' on two disks still differ by six letters of their full path's digest.
    """
    path = Path(data_dir).resolve()
    words = [_UNSAFE.sub("-", part) for part in path.parts[1:][-2:]]
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:6]
    return Path("work_dirs") / kind / "-".join([*words, digest])


def check_output(out: str | os.PathLike, data_dir: str | os.PathLike) -> Path:
    """Make sure, before any work is done, that reports can be written into ``out`` later.

    Raises:
        FishDataError: it lies in the data folder, which is never written to; it is a file; or it
            cannot be made or written to.
    """
    path = Path(out)
    if path.resolve().is_relative_to(Path(data_dir).resolve()):
        raise FishDataError(
            f"--out {path} lies in the data folder {data_dir}, which is never written to; name "
            "another one"
        )
    try:
        place = path.absolute()
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise FishDataError(f"{path}: cannot be made: {place} is a file")
        with tempfile.TemporaryDirectory(prefix=".write-", dir=place):
            return path
    except OSError as error:
        reason = error.strerror or error
        raise FishDataError(f"{path}: cannot be written: {reason}; name another folder") from None


def output_folder(out: str | os.PathLike, data_dir: str | os.PathLike) -> Path:
    """Make ``out`` where it is missing.

    Raises:
        FishDataError: it lies in the data folder, which is never written to; it is a file; or it
            cannot be made.
    """
    path = check_output(out, data_dir)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FishDataError(f"{path}: cannot be made: {error.strerror or error}") from error
    return path
