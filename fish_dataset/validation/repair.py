"""A repaired copy of a data folder, with every change listed.

What has one likely meaning is mended; what cannot be used is left out; what only a person can
decide (odd boxes, near duplicates, groups that cross) stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.pictures import PictureFacts
from fish_dataset.checks.subject import Subject
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part, Transfer, write_folder
from fish_dataset.output import check_output
from fish_dataset.strings import Strings
from fish_dataset.validation.repairing.boxes import mended, without_doubles
from fish_dataset.validation.repairing.changes import Changes
from fish_dataset.validation.repairing.classes import with_one_class_list
from fish_dataset.validation.repairing.pictures import with_one_entry_each, without_copies
from fish_dataset.validation.repairing.reading import note_reading
from fish_dataset.validation.run import Report


def repair(report: Report, out: str | os.PathLike, *, images: Transfer = "copy") -> Changes:
    """Write a repaired copy of a validated folder, whole or not at all.

    Args:
        report: Of ``validate``.
        out: A folder that is absent or empty; gets the splits, images/ and changes.json.
        images: How the pictures are brought over.

    Raises:
        FishDataError: ``out`` lies in the data folder, holds something or cannot be written; no
            split could be read; or all boxes of a file are of a kind that cannot be mended.
    """
    check_output(out, report.data_dir)
    _refuse_hopeless(report)
    changes = Changes()
    for finding in report.findings:
        if finding.rule == "annotation-file":
            changes.add(finding.rule, "split left out", "", Path(finding.file).name, finding.value)
    datas = _mend(report.subject, changes)
    parts = _named_apart(report.subject, datas, changes)
    write_folder(out, parts, images=images, documents={"changes.json": changes.as_json()})
    return changes


def _refuse_hopeless(report: Report) -> None:
    if not report.subject.readings:
        raise FishDataError(
            f"{report.data_dir}: no annotation file can be read, so there is nothing to repair; "
            "export the annotations again"
        )
    for finding in report.findings:
        if finding.rule == "boxes-normalised":
            raise FishDataError(
                f"{finding.file}: boxes are fractions of the picture, from a corner or the centre "
                "(no file tells); --fix will not guess: " + finding.remedy
            )
        if finding.rule in ("category-missing", "category-id", "category-name"):
            raise FishDataError(
                f"{finding.file}: {finding.field} is {finding.value}: without a sound class list "
                "no box can be kept; --fix will not drop them all: " + finding.remedy
            )


def _mend(subject: Subject, changes: Changes) -> dict[str, Annotations]:
    datas, digests = {}, {}
    for number, (split, reading) in enumerate(subject.readings.items()):
        rows = slice(int(subject.starts[number]), int(subject.starts[number + 1]))
        facts = _part_of(subject.facts, rows)
        note_reading(split, reading, changes)
        data = mended(split, reading, facts, changes)
        datas[split] = with_one_entry_each(split, data, changes)
        digests[split] = _digests(reading.annotations.file_names, facts, datas[split])
    datas = without_copies(datas, digests, changes)
    datas = with_one_class_list(datas, changes)
    datas = {split: without_doubles(split, data, changes) for split, data in datas.items()}
    for split, data in datas.items():
        changes.account(split, len(subject.readings[split].raw), data.num_boxes)
    return datas


def _part_of(facts: PictureFacts, rows: slice) -> PictureFacts:
    columns = ("widths", "heights", "orientations", "digests", "hashes", "blank")
    faults = {
        row - rows.start: reason
        for row, reason in facts.faults.items()
        if rows.start <= row < rows.stop
    }
    return PictureFacts(faults, **{name: getattr(facts, name)[rows] for name in columns})


def _digests(names: Strings, facts: PictureFacts, data: Annotations) -> np.ndarray:
    """(N, 32) digests of the pictures of ``data``."""
    rows = {name: row for row, name in enumerate(names)}
    return facts.digests[[rows[name] for name in data.file_names]]


def _named_apart(
    subject: Subject, datas: Mapping[str, Annotations], changes: Changes
) -> dict[str, Part]:
    """The parts to write: a name that leaves the folder, or that two pictures of different folders
    share, is changed."""
    parts: dict[str, Part] = {}
    taken: dict[str, Path] = {}
    for split, data in datas.items():
        folder = subject.readings[split].image_dir
        names = []
        for name in data.file_names:
            new = _free_name(_inside(name), split, taken, (folder / name).resolve())
            if new != name:
                changes.add("image-file-name", "picture renamed", split, name, f"→ {new!r}")
            names.append(new)
        renamed = replace(data, file_names=Strings.of(names))
        parts[split] = Part(renamed, folder, data.file_names)
    return parts


def _inside(name: str) -> str:
    """``name``, or its last part where it leads out of the folder."""
    path = PurePosixPath(name)
    return path.name if path.is_absolute() or ".." in path.parts else name


def _free_name(name: str, split: str, taken: dict[str, Path], source: Path) -> str:
    """``name``, with the split and a number before it where another picture has it."""
    path, new, number = PurePosixPath(name), name, 1
    while taken.setdefault(new, source) != source:
        new = str(path.with_name(f"{split}_{'' if number == 1 else f'{number}_'}{path.name}"))
        number += 1
    return new
