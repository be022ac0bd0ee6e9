"""Runs in processes of their own, as many at once as there are devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch

import fishdet
from fish_dataset.files import read_json

from .store import FAILED, INTERRUPTED, LOG, RUNNING, SETTINGS, Record, end_attempt, read_record
from .worker import JOBS, STOPPED

WORKER = "fishdet.benchmark.worker"
LONGEST = 300  # characters of a reason
POLL = 0.2  # seconds between two looks at the processes


@dataclass(frozen=True)
class Slot:
    """A place for one run: environment variables that give it its device and threads."""

    name: str
    environment: dict[str, str]


def slots(jobs: int | None = None) -> list[Slot]:
    """Return a place for each run at once: one a GPU, else one on the CPU, or ``jobs`` of them.

    Runs that share a CPU get its cores in equal parts.
    """
    gpus, cores = torch.cuda.device_count(), os.cpu_count() or 1
    count = jobs or gpus or 1
    if gpus:
        return [Slot(f"gpu {i % gpus}", {"CUDA_VISIBLE_DEVICES": str(i % gpus), JOBS: str(count)})
                for i in range(count)]  # fmt: skip
    threads = {} if count == 1 else {"OMP_NUM_THREADS": str(max(1, cores // count))}
    return [Slot(f"cpu {i}" if count > 1 else "cpu", {JOBS: str(count), **threads})
            for i in range(count)]  # fmt: skip


def run_all(
    folders: Sequence[Path],
    places: Sequence[Slot],
    told: Callable[[Path, int], None],
    command: Callable[[Path], Sequence[str]] | None = None,
) -> None:
    """Work through the folders of runs; a run that fails leaves the others going.

    Ctrl-C and SIGTERM are handed on once: each training saves a checkpoint and ends.

    Args:
        folders: of the runs, in order.
        places: how many at once, and where.
        told: called with folder and exit status of each run that ended.
        command: the command of a folder; by default the worker's.

    Raises:
        KeyboardInterrupt: asked to stop, after all processes have ended.
    """
    command = command or (lambda folder: worker_command(folder))
    pending, free = list(folders), list(places)
    busy: dict[Path, tuple[subprocess.Popen[bytes], Slot]] = {}
    with _stopping() as asked:
        while (pending and not asked) or busy:
            while pending and free and not asked:
                folder, place = pending.pop(0), free.pop(0)
                busy[folder] = (_start(folder, place, command(folder)), place)
            time.sleep(POLL)
            if asked and asked[-1] != 0:
                asked.append(0)  # handed on
                for process, _ in busy.values():
                    process.send_signal(signal.SIGINT)
            for folder in [f for f, (process, _) in busy.items() if process.poll() is not None]:
                process, place = busy.pop(folder)
                free.append(place)
                told(folder, process.returncode)
    if asked:
        raise KeyboardInterrupt


def worker_command(folder: Path, *more: str) -> list[str]:
    """Return the command that works on a run."""
    return [sys.executable, "-m", WORKER, str(folder), *more]


def conclude(folder: Path, status: int) -> Record:
    """Return the record of a run whose process has ended; complete it where the process died."""
    record = read_record(folder) or {**read_json(folder / SETTINGS), "state": RUNNING}
    if status not in (0, STOPPED) and record["state"] == RUNNING:
        if status == -signal.SIGINT:  # handed on by us while it was still importing
            end_attempt(folder, record, INTERRUPTED)
        else:
            end_attempt(folder, record, FAILED, died_of(status, folder / LOG))
    return record


def died_of(status: int, log: Path) -> str:
    """Return why a process ended: its signal, or the last line that it wrote."""
    if status < 0:
        name = signal.Signals(-status).name
        hint = ": too little memory?" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"
    lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    told = last if len(last) <= LONGEST else last[: LONGEST - 1] + "…"
    return told or f"exit status {status} without a word"


def _start(folder: Path, place: Slot, command: Sequence[str]) -> subprocess.Popen[bytes]:
    source = str(Path(fishdet.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": path, **place.environment},
            start_new_session=True,  # Ctrl-C reaches it through us, once
        )


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Collect the signals that ask to stop, in place of their effect."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if not asked:
            asked.append(number)

    before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
