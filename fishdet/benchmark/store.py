"""The files of a benchmark: one folder a run, whole files, states that survive a kill."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fish_dataset.files import file_sha256, read_json, write_atomic, write_json
from fishdet.errors import FishdetError

Record = dict[str, Any]
DONE, FAILED, RUNNING, INTERRUPTED = "done", "failed", "running", "interrupted"
NEW = "new"
RECORD, SETTINGS, LOG, LOCK = "record.json", "run.json", "log.txt", "run.lock"
PREDICTIONS = "predictions.json"


def read_record(folder: Path) -> Record | None:
    """Return what came of a run so far, or None where nothing has begun.

    Raises:
        FishdetError: the file is no JSON object with a state.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FishdetError(
            f"{path} cannot be read: {error}; move the folder away to run it anew"
        ) from error
    if not isinstance(record, dict) or "state" not in record:
        raise FishdetError(f"{path}: no record of a run; move the folder away to run it anew")
    return record


def write_record(folder: Path, record: Record) -> None:
    """Write a record whole or not at all."""
    write_json(folder / RECORD, record)


def state_of(folder: Path) -> str:
    """Return the state in the record of a folder, or ``new``."""
    record = read_record(folder)
    return record["state"] if record else NEW


def records(out: Path) -> Iterator[tuple[Path, Record]]:
    """Yield folder and record of all runs that have begun, by name."""
    for path in sorted((out / "runs").glob(f"*/{RECORD}")):
        record = read_record(path.parent)
        if record is not None:
            yield path.parent, record


def not_started(out: Path) -> Iterator[Record]:
    """Yield the settings of all runs that are planned and have not begun, with state ``new``."""
    for path in sorted((out / "runs").glob(f"*/{SETTINGS}")):
        if not (path.parent / RECORD).is_file():
            yield {**read_json(path), "state": NEW}


def keep_truth(out: Path, ann_file: Path) -> str:
    """Copy an annotation file into the benchmark and return its SHA-256.

    Results stay comparable when the data set moves or changes.
    """
    digest = file_sha256(ann_file)
    target = truth_file(out, digest)
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, lambda temporary: _copy(ann_file, temporary))
    return digest


def truth_file(out: Path, digest: str) -> Path:
    """Return where the annotation file of a digest is kept."""
    return out / "truth" / f"{digest[:16]}.json"


def begin_attempt(folder: Path, record: Record) -> None:
    """Note that work on a run starts; close an attempt that was killed at its last word."""
    attempts = record.setdefault("attempts", [])
    if attempts and attempts[-1]["ended"] is None:
        log = folder / LOG
        last = max(
            [p.stat().st_mtime for p in (log, folder / "work" / "metrics.json") if p.is_file()],
            default=attempts[-1]["began"],
        )
        attempts[-1]["ended"] = max(last, attempts[-1]["began"])
    attempts.append({"began": time.time(), "ended": None, "process": os.getpid()})
    record["state"] = RUNNING
    record.pop("reason", None)
    write_record(folder, record)


def end_attempt(folder: Path, record: Record, state: str, reason: str = "") -> None:
    """Note how work on a run ended."""
    attempts = record.get("attempts") or []
    if attempts and attempts[-1]["ended"] is None:
        attempts[-1]["ended"] = time.time()
    record["state"] = state
    if reason:
        record["reason"] = reason
    write_record(folder, record)


def seconds(record: Record) -> float:
    """Return the wall time of all attempts that ended, in seconds."""
    return sum(a["ended"] - a["began"] for a in record.get("attempts", []) if a["ended"])


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
