"""Files of the same bytes among many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256
from fish_dataset.progress import track


def equal_files(paths: Sequence[str | os.PathLike]) -> list[list[int]]:
    """Groups of two or more positions whose files hold the same bytes, by SHA-256.

    Only files of equal size are read.

    Raises:
        FishDataError: a file is missing or cannot be read.
    """
    try:
        sized = _grouped(enumerate(os.stat(path).st_size for path in paths))
        alike = [position for group in sized for position in group]
        tracked = track(alike, len(alike), "pictures compared")
        return sorted(_grouped((i, file_sha256(paths[i])) for i in tracked))
    except OSError as error:
        raise FishDataError(
            f"{error.filename}: cannot be read: {error.strerror or error}"
        ) from error


def _grouped(keyed: Iterable[tuple[int, object]]) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    for position, key in keyed:
        groups.setdefault(key, []).append(position)
    return [group for group in groups.values() if len(group) > 1]
