"""Every check on a data folder: what the loader asks, and what pictures, boxes and splits tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.checks.on_boxes import check_boxes, check_shapes
from fish_dataset.checks.on_pictures import (
    check_copies,
    check_files,
    check_near,
    check_unlisted,
)
from fish_dataset.checks.on_splits import check_classes, check_groups
from fish_dataset.checks.pictures import look_at
from fish_dataset.checks.subject import Evidence, Log, Spot, Subject
from fish_dataset.errors import FishDataError
from fish_dataset.findings import Finding
from fish_dataset.progress import counted, silent
from fish_dataset.reading.disk import Folders
from fish_dataset.reading.folder import read_splits
from fish_dataset.reading.lenient import Reading
from fish_dataset.rules import RULES, Severity

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "repaired", "info")
"""The worst first."""

_ENTRY = re.compile(r"^(images|annotations)\[(\d+)\]")


@dataclass(frozen=True)
class Report:
    """What was found in a data folder.

    Attributes:
        data_dir: The folder.
        subject: Its splits as far as they could be read, and the facts on their pictures.
        evidence: Findings with the pictures that show them, the worst first.
        grouping: In words, by what pictures were taken as belonging together.
    """

    data_dir: Path
    subject: Subject
    evidence: tuple[Evidence, ...]
    grouping: str

    @property
    def findings(self) -> list[Finding]:
        """The findings alone."""
        return [one.finding for one in self.evidence]

    def counts(self) -> dict[str, int]:
        """Number of faults of each rule, the worst first."""
        totals: dict[str, int] = {}
        for finding in self.findings:
            totals[finding.rule] = totals.get(finding.rule, 0) + finding.count
        return totals

    def total(self, severity: Severity) -> int:
        """Number of faults of one severity."""
        counts = self.counts()
        return sum(n for rule, n in counts.items() if RULES[rule].severity == severity)

    @property
    def status(self) -> int:
        """Exit status: 1 where there are errors, else 0."""
        return int(self.total("error") > 0)


def validate(
    data_dir: str | os.PathLike, *, workers: int | None = None, progress: bool = True
) -> Report:
    """Check a data folder; nothing is written into it.

    A split whose file the loader would refuse is checked as far as it can be read.

    Args:
        data_dir: A folder in one of the known layouts.
        workers: Threads that decode pictures; None takes one for each core.
        progress: Whether to tell on stderr how many pictures are done.

    Raises:
        FishDataError: no such folder, none of the layouts, or ``workers`` below 1.
    """
    if workers is not None and workers < 1:
        raise FishDataError(f"--workers {workers}: at least 1, or leave it out")
    readings, unread = read_splits(data_dir, progress=progress)
    subject = _look(readings, workers, progress)
    log = Log(subject)
    grouping = _check(subject, log)
    loaded = [one for name, r in readings.items() for one in _of_loader(name, r)]
    evidence = sorted([*map(Evidence, unread), *loaded, *log.evidence], key=_rank)
    return Report(Path(data_dir), subject, tuple(evidence), grouping)


def _check(subject: Subject, log: Log) -> str:
    check_files(subject, log)
    check_copies(subject, log)
    grouping = check_groups(subject, log)
    check_near(subject, log)
    check_classes(subject, log)
    check_boxes(subject, log)
    check_shapes(subject, log)
    check_unlisted(subject, log)
    return grouping


def _look(readings: dict[str, Reading], workers: int | None, progress: bool) -> Subject:
    """Decode the pictures of all splits; one that is missing was named by the loader's rules."""
    paths, present = [], []
    for reading in readings.values():
        names = list(reading.annotations.file_names)
        gone = set(Folders(reading.image_dir).missing(names))
        paths += [reading.image_dir / name for name in names]
        present += [row not in gone for row in range(len(names))]
    there = np.array(present, dtype=bool)
    rows = np.flatnonzero(there)
    with counted(len(rows), "pictures") if progress else silent() as advance:
        facts = look_at([paths[row] for row in rows], workers, advance)
    return Subject(readings, facts.spread(rows, len(paths)), there)


def _of_loader(split: str, reading: Reading) -> Iterator[Evidence]:
    """The loader's findings with the pictures that their fields point to."""
    for finding in reading.findings:
        match = _ENTRY.match(finding.field)
        spots = [] if match is None else _spots(split, reading, match[1], int(match[2]))
        yield Evidence(finding, tuple(spots))


def _spots(split: str, reading: Reading, kind: str, entry: int) -> Iterator[Spot]:
    if kind == "images":
        row = int(reading.image_rows[entry])
        boxes: tuple[tuple[float, ...], ...] = ()
    else:
        row = int(reading.raw_image[entry])
        box = reading.raw[entry]
        boxes = (tuple(box.tolist()),) if np.isfinite(box).all() else ()
    if row >= 0:
        yield Spot(split, row, boxes)


def _rank(one: Evidence) -> tuple[int, int, bool]:
    finding = one.finding
    rules = list(RULES)
    return SEVERITIES.index(finding.severity), rules.index(finding.rule), not finding.field
