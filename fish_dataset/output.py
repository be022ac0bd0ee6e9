"""Folders that reports are written into."""

from __future__ import annotations

import os
from pathlib import Path

from fish_dataset.errors import FishDataError


def output_folder(out: str | os.PathLike, data_dir: str | os.PathLike) -> Path:
    """Make ``out`` where it is missing.

    Raises:
        FishDataError: it lies in the data folder, which is never written to; it is a file; or it
            cannot be made.
    """
    path = Path(out)
    if path.resolve().is_relative_to(Path(data_dir).resolve()):
        raise FishDataError(
            f"--out {path} lies in the data folder {data_dir}, which is never written to; name "
            "another one"
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FishDataError(f"{path}: cannot be made: {error.strerror or error}") from error
    return path
