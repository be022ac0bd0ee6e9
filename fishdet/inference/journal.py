"""What a run has done so far, line by line, so that it can go on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

FILE = ".journal.jsonl"
DIFFER = "these settings differ from those of the run that stopped"


class Journal:
    """A file of JSON lines: the settings of the run, then one record for each thing done.

    A line that a crash cut short is dropped when the run goes on. The records stay on the disk;
    in memory is only how many there are.

    Args:
        path: the file.
        settings: plain data; a run goes on only with the same.
        resume: go on with the records in the file, where there is one.

    Raises:
        FishdetError: other settings, or a file that cannot be read or written.
    """

    def __init__(self, path: Path, settings: dict[str, Any], resume: bool) -> None:
        self.path = path
        going_on = resume and path.is_file() and path.stat().st_size > 0
        try:
            if going_on:
                _drop_torn_line(path)
                _require_same(path, settings)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_line(settings), encoding="utf-8")
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise FishdetError(f"{path}: not usable: {error.strerror or error}") from error

    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is with the operating system when this returns.

        Raises:
            FishdetError: the file cannot be written.
        """
        try:
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise FishdetError(f"{self.path}: not written: {error.strerror or error}") from error

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records, first to last."""
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                yield json.loads(line)

    def close(self, remove: bool = False) -> None:
        """Close the file, and remove it where the run is complete."""
        self._file.close()
        if remove:
            self.path.unlink(missing_ok=True)


def _drop_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        whole = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
        file.truncate(whole)


def _require_same(path: Path, settings: dict[str, Any]) -> None:
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    try:
        stored = json.loads(first)
    except ValueError as error:
        raise FishdetError(f"{path}: no journal; start without --resume") from error
    wanted = json.loads(_line(settings))
    for key in wanted:
        if not isinstance(stored, dict) or stored.get(key) != wanted[key]:
            then = stored.get(key) if isinstance(stored, dict) else None
            raise FishdetError(
                f"{path}: {DIFFER}: {key} was {then!r}, now {wanted[key]!r}; give the same, or "
                "start anew without --resume"
            )


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=os.fspath) + "\n"
